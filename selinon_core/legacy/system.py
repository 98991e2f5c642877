"""``System``: a whole configuration, checked, as tools of old projects use it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, TextIO, TypeVar

from selinon_core.errors import ConfigurationError
from selinon_core.legacy import views
from selinon_core.legacy.loading import Loaded, Path, load_data, load_files
from selinon_core.plan import FlowPlan, StoragePlan, TaskPlan

_T = TypeVar("_T")

_NO_CODE = "no Python code is generated; `selinon inspect --dump` writes the plan as JSON"


class System:
    """Tasks, flows and storages as the plan has them (``TaskPlan``, ``FlowPlan``, ``StoragePlan``)."""

    def __init__(self, loaded: Loaded) -> None:
        self.plan = loaded.plan
        self._written = loaded.written

    @classmethod
    def from_files(
        cls,
        nodes_definition_file: Path,
        flow_definition_files: Path | Iterable[Path],
        no_check: bool = False,
    ) -> System:
        """Read and check files; raises ``ConfigurationError`` with every mistake. Always checks."""
        return cls(load_files(nodes_definition_file, flow_definition_files))

    @classmethod
    def from_dict(
        cls,
        nodes_definition: Mapping[str, Any],
        flow_definitions: Mapping[str, Any] | Iterable[Any],
        no_check: bool = False,
    ) -> System:
        """Read and check what files would hold; raises as ``from_files``."""
        return cls(load_data(nodes_definition, flow_definitions))

    @property
    def tasks(self) -> list[TaskPlan]:
        """The tasks."""
        return list(self.plan.tasks.values())

    @property
    def flows(self) -> list[FlowPlan]:
        """The flows."""
        return [self.plan.flows[name] for name in self._written.flows]

    @property
    def storages(self) -> list[StoragePlan]:
        """The storages."""
        return list(self.plan.storages.values())

    def task_by_name(self, name: str, graceful: bool = False) -> TaskPlan | None:
        """A task; an unknown name is None if ``graceful``, else ``ConfigurationError``."""
        return _found(self.plan.tasks.get(name), "task", name, graceful)

    def flow_by_name(self, name: str, graceful: bool = False) -> FlowPlan | None:
        """A flow; an unknown name is None if ``graceful``, else ``ConfigurationError``."""
        return _found(self.plan.flows.get(name), "flow", name, graceful)

    def storage_by_name(self, name: str, graceful: bool = False) -> StoragePlan | None:
        """A storage; an unknown name is None if ``graceful``, else ``ConfigurationError``."""
        return _found(self.plan.storages.get(name), "storage", name, graceful)

    def node_by_name(self, name: str, graceful: bool = False) -> TaskPlan | FlowPlan | None:
        """A task or flow; an unknown name is None if ``graceful``, else ``ConfigurationError``."""
        task = self.plan.tasks.get(name)
        return _found(self.plan.flows.get(name), "node", name, graceful) if task is None else task

    def task_queue_names(self) -> dict[str, str]:
        """Task -> queue; raises ``ConfigurationError`` for a missing environment variable."""
        return views.task_queues(self.plan)

    def dispatcher_queue_names(self) -> dict[str, str]:
        """Flow -> queue; raises ``ConfigurationError`` for a missing environment variable."""
        return views.dispatcher_queues(self.plan, self._written)

    def plot_graph(self, output_dir: str, image_format: str | None = None) -> list[str]:
        """Draw every flow into a directory; returns the paths without their endings."""
        from selinon_core.graph import draw

        form = image_format or "svg"
        os.makedirs(output_dir, exist_ok=True)
        drawn = []
        for name in self._written.flows:
            path = os.path.join(output_dir, name)
            with open(f"{path}.{form}", "wb") as file:
                file.write(draw(self.plan, name, format=form))
            drawn.append(path)
        return drawn

    def dump2file(self, output_file: Path) -> NoReturn:
        """Raise ``ConfigurationError``: no code is generated."""
        raise ConfigurationError(f"{output_file}: {_NO_CODE}")

    def dump2stream(self, stream: TextIO) -> NoReturn:
        """Raise ``ConfigurationError``: no code is generated."""
        raise ConfigurationError(_NO_CODE)


def _found(found: _T | None, kind: str, name: str, graceful: bool) -> _T | None:
    if found is None and not graceful:
        raise ConfigurationError(f'no {kind} is named "{name}"')
    return found
