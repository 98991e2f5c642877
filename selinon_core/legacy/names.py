"""Names that projects mention although nothing behind them is left to call."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from selinon_core.errors import RequestError

if TYPE_CHECKING:
    from selinon_core.legacy.flow_result import FlowResult


class _NotCalled(type):
    """Warns, once per class, that what is assigned changes nothing."""

    instead: ClassVar[str]
    _warned: ClassVar[set[str]] = set()

    def __setattr__(cls, name: str, value: Any) -> None:
        if not name.startswith("_") and cls.__name__ not in _NotCalled._warned:
            _NotCalled._warned.add(cls.__name__)
            warnings.warn(
                f"{cls.__name__}.{name} = ... has no effect: {cls.__name__} is not called any more. {cls.instead}",
                stacklevel=2,
            )
        super().__setattr__(name, value)


class Dispatcher(metaclass=_NotCalled):
    """Stands for the original's dispatcher task; ``name`` is what routes and monitoring see."""

    instead = (
        "For a deadline of a flow set its `timeout` in the YAML file; queues, retries and acknowledgement are "
        "configured there and in the Celery app."
    )
    name = "selinon.Dispatcher"
    acks_late = True
    ignore_result = False
    max_retries = None
    track_started = True

    def apply_async(
        self, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> FlowResult:
        """``run_flow`` with ``flow_name`` and ``node_args``; raises ``RequestError`` for anything else."""
        from selinon_core.legacy.run import run_flow

        given = {**dict(zip(("flow_name", "node_args"), args or (), strict=False)), **(kwargs or {})}
        other = sorted(name for name in given if name not in ("flow_name", "node_args") and given[name])
        if other or "flow_name" not in given:
            raise RequestError(
                f"a flow is started with flow_name and node_args, not {', '.join(other) or 'without flow_name'}; "
                "see run_flow and run_flow_selective"
            )
        return run_flow(given["flow_name"], given.get("node_args"))

    def delay(self, *args: Any, **kwargs: Any) -> FlowResult:
        """As ``apply_async``."""
        return self.apply_async(args, kwargs)


class SelinonTaskEnvelope(metaclass=_NotCalled):
    """Stands for the original's task that ran tasks; ``name`` is what routes and monitoring see."""

    instead = (
        "For a deadline of a task set its `timeout` in the YAML file; queues, retries and acknowledgement are "
        "configured there and in the Celery app."
    )
    name = "selinon.SelinonTaskEnvelope"
    acks_late = True
    ignore_result = False
    max_retries = None
    track_started = True


class SystemState:
    """Stands for the state that the original sent along in messages; a flow run's state is in the state store."""

    def __init__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RequestError(
            "SystemState cannot be built: the state of a flow run is in the state store; see `selinon status`"
        )


class Storage:
    """A storage as a configuration describes it."""

    def __init__(
        self,
        name: str,
        import_path: str,
        configuration: Any,
        cache_config: Mapping[str, Any] | None = None,
        class_name: str | None = None,
    ) -> None:
        self.name = name
        self.import_path = import_path
        self.configuration = configuration
        self.cache_config = cache_config
        self.class_name = class_name or name
        self.tasks: list[Any] = []

    @classmethod
    def from_dict(cls, dict_: Mapping[str, Any]) -> Storage:
        """Take an entry of ``storages``; raises ``ConfigurationError`` with every mistake in it."""
        from selinon_core.legacy.loading import plan_of
        from selinon_core.project import compile_data

        plan = plan_of(compile_data({"storages": [dict_]}))
        (storage,) = plan.storages.values()
        cache = dict_.get("cache")
        return cls(storage.name, storage.function.module, storage.configuration, cache, storage.function.name)

    def register_task(self, task: Any) -> None:
        """Note that a task uses this storage."""
        self.tasks.append(task)
