"""``Config``: the configuration of the process, under the original's names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from selinon_core.errors import ConfigurationError
from selinon_core.legacy.config_attributes import ConfigAttributes
from selinon_core.legacy.loading import Path, load_data, load_files
from selinon_core.legacy.replaced import watch_replacing
from selinon_core.legacy.state import STATE
from selinon_core.legacy.trace import Trace

if TYPE_CHECKING:
    from celery import Celery


@watch_replacing(
    "get_task_instance",
    "has_readonly_storage",
    "has_readwrite_storage",
    "has_storage",
    "is_flow",
    "is_task",
    "should_propagate_compound_finished",
    "should_propagate_finished",
    "should_propagate_node_args",
    "should_propagate_parent",
)
class Config(metaclass=ConfigAttributes):
    """The configuration of the process. The app and the files may be set in either order."""

    @classmethod
    def set_celery_app(cls, celery_app: Celery) -> None:
        """Run flows through a Celery app; raises ``UnsupportedCeleryError`` for an old Celery."""
        STATE.set_app(celery_app)

    @classmethod
    def set_config_yaml(
        cls,
        nodes_definition_file: Path,
        flow_definition_files: Path | Iterable[Path],
        config_py: str | None = None,
        keep_config_py: bool = False,
    ) -> None:
        """Configure from files; directories are searched for YAML files.

        ``config_py`` and ``keep_config_py`` have no effect: no code is generated. Raises ``ConfigurationError``
        with every mistake in the files.
        """
        STATE.configure(load_files(nodes_definition_file, flow_definition_files))

    @classmethod
    def set_config_dict(
        cls,
        nodes_definition: Mapping[str, Any],
        flow_definitions: Mapping[str, Any] | Iterable[Any],
    ) -> None:
        """Configure from what files would hold; raises ``ConfigurationError`` with every mistake."""
        STATE.configure(load_data(nodes_definition, flow_definitions))

    @classmethod
    def set_config_py(cls, config_code: str) -> NoReturn:
        """Raise ``ConfigurationError``: no code is generated, so none can be read."""
        raise ConfigurationError(
            f"generated configuration files ({config_code}) are not read: use Config.set_config_yaml"
        )

    @classmethod
    def init(
        cls,
        celery_app: Celery,
        nodes_definition_file: Path,
        flow_definition_files: Path | Iterable[Path],
        config_py: str | None = None,
        keep_config_py: bool = False,
    ) -> None:
        """Configure from files and run flows through a Celery app."""
        cls.set_config_yaml(nodes_definition_file, flow_definition_files, config_py, keep_config_py)
        cls.set_celery_app(celery_app)

    # -- tracing ----------------------------------------------------------------------------------------------

    @classmethod
    def trace_by_logging(cls) -> None:
        """See ``Trace.trace_by_logging``."""
        Trace.trace_by_logging()

    @classmethod
    def trace_by_json(cls) -> None:
        """See ``Trace.trace_by_json``."""
        Trace.trace_by_json()

    @classmethod
    def trace_by_func(cls, trace_func: Callable[[str, dict[str, Any]], object]) -> None:
        """See ``Trace.trace_by_func``."""
        Trace.trace_by_func(trace_func)

    @classmethod
    def trace_by_sentry(cls, dsn: str | None = None) -> None:
        """See ``Trace.trace_by_sentry``."""
        Trace.trace_by_sentry(dsn)

    # -- asking; all raise ``ConfigNotInitializedError`` before there is a configuration ----------------------

    @classmethod
    def is_flow(cls, node_name: str) -> bool:
        """Whether a flow has the name."""
        return node_name in STATE.plan.flows

    @classmethod
    def is_task(cls, node_name: str) -> bool:
        """Whether a task has the name."""
        return node_name in STATE.plan.tasks

    @classmethod
    def has_storage(cls, task_name: str) -> bool:
        """Whether a task has a storage."""
        task = STATE.plan.tasks.get(task_name)
        return task is not None and task.storage is not None

    @classmethod
    def has_readonly_storage(cls, task_name: str) -> bool:
        """Whether a task has a storage from which it only reads."""
        return cls.has_storage(task_name) and STATE.plan.tasks[task_name].storage_readonly

    @classmethod
    def has_readwrite_storage(cls, task_name: str) -> bool:
        """Whether a task has a storage where its results go."""
        return cls.has_storage(task_name) and not STATE.plan.tasks[task_name].storage_readonly

    @classmethod
    def should_propagate_finished(cls, node_name: str, dst_node_name: str) -> bool:
        """Whether a flow collects finished tasks of a sub-flow, nested."""
        return dst_node_name in STATE.plan.flows[node_name].propagate_finished

    @classmethod
    def should_propagate_compound_finished(cls, node_name: str, dst_node_name: str) -> bool:
        """Whether a flow collects finished tasks of a sub-flow, flattened."""
        return dst_node_name in STATE.plan.flows[node_name].propagate_compound_finished

    @classmethod
    def should_propagate_node_args(cls, node_name: str, dst_node_name: str) -> bool:
        """Whether a flow gives its arguments to a sub-flow."""
        return dst_node_name in STATE.plan.flows[node_name].propagate_node_args

    @classmethod
    def should_propagate_parent(cls, node_name: str, dst_node_name: str) -> bool:
        """Whether a flow gives parents to a sub-flow."""
        return dst_node_name in STATE.plan.flows[node_name].propagate_parent

    @classmethod
    def get_task_instance(
        cls, task_name: str, flow_name: str, parent: Mapping[str, Any], task_id: str, dispatcher_id: str
    ) -> Any:
        """Build a task as a worker would; raises ``KeyError`` for an unknown name."""
        return cls.task_classes[task_name](
            task_name=task_name,
            flow_name=flow_name,
            parent=parent,
            task_id=task_id,
            dispatcher_id=dispatcher_id,
        )
