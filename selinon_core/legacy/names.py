"""``SystemState`` and ``Storage``: names that projects mention although workers do without them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from selinon_core.errors import RequestError
from selinon_core.legacy.not_called import NotCalled, do_nothing


class SystemState(metaclass=NotCalled):
    """Stands for the state that the original sent along in messages; a flow run's state is in the state store."""

    instead = "A trace function gets what a flow run does as events; see Trace.trace_by_func."

    # The original's methods: they can be read, and no object calls them.
    node_args = selective = to_dict = update = do_nothing
    _compute_and_run_fallback = _continue_and_update_retry = _fire_edge = _get_async_result = do_nothing
    _get_countdown = _run_fallback = _start_and_update_retry = _start_new_from_finished = _start_node = do_nothing

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
