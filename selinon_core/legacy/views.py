"""Tables of the original's ``Config`` that projects read, computed from a plan. Fresh dictionaries each time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from selinon_core.errors import ConfigurationError
from selinon_core.legacy.state import STATE
from selinon_core.legacy.written import Written
from selinon_core.plan import FlowPlan, Plan, TaskPlan
from selinon_core.runtime.environment import expand
from selinon_core.storage import DataStorage


def dispatcher_queues(plan: Plan, written: Written) -> dict[str, str]:
    """Flow -> queue; raises ``ConfigurationError`` for a missing environment variable."""
    return {name: expand(plan.flows[name].queue) for name in written.flows}


def task_queues(plan: Plan) -> dict[str, str]:
    """Task -> queue; raises ``ConfigurationError`` for a missing environment variable."""
    return {name: expand(task.queue) for name, task in plan.tasks.items()}


def max_retry(plan: Plan) -> dict[str, int]:
    """Task or flow -> retries."""
    return {name: node.max_retry for name, node in _nodes(plan)}


def retry_countdown(plan: Plan) -> dict[str, float]:
    """Task or flow -> seconds."""
    return {name: node.retry_countdown for name, node in _nodes(plan)}


def _nodes(plan: Plan) -> list[tuple[str, TaskPlan | FlowPlan]]:
    return [*plan.tasks.items(), *plan.flows.items()]


def task2storage_mapping(plan: Plan) -> dict[str, str | None]:
    """Task -> storage, None for a task without one."""
    return {name: task.storage for name, task in plan.tasks.items()}


def storage_readonly(plan: Plan) -> dict[str, bool]:
    """Task -> whether its results are not stored."""
    return {name: task.storage_readonly for name, task in plan.tasks.items()}


def storage_task_name(plan: Plan) -> dict[str, str]:
    """Task -> its name towards the storage."""
    return {name: task.storage_task_name for name, task in plan.tasks.items()}


def output_schemas(plan: Plan) -> dict[str, str]:
    """Task -> path of its schema, of the tasks that have one."""
    paths = {name: task.output_schema for name, task in plan.tasks.items()}
    return {name: path for name, path in paths.items() if isinstance(path, str)}


def eager_failures(plan: Plan) -> dict[str, list[str]]:
    """Flow -> nodes whose failure ends it at once."""
    return {name: sorted(flow.eager_failures) for name, flow in plan.flows.items()}


def node_args_from_first(plan: Plan) -> dict[str, bool]:
    """Flow -> whether its arguments come from its first task."""
    return {name: flow.node_args_from_first for name, flow in plan.flows.items()}


def throttling(nodes: Mapping[str, Any]) -> dict[str, timedelta | None]:
    """Node -> least time between two schedulings."""
    return {
        name: None if node.throttling is None else timedelta(seconds=node.throttling)
        for name, node in nodes.items()
    }


class TaskClasses(Mapping[str, Any]):
    """Task -> its class, imported when asked for; raises ``ConfigurationError`` where that fails."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def __getitem__(self, name: str) -> Any:
        function = self._plan.tasks[name].function
        if function is None:
            raise ConfigurationError(f"task {name} waits for a signal: it has no class")
        return STATE.imports.task_class(function)

    def __contains__(self, name: object) -> bool:
        return name in self._plan.tasks

    def __iter__(self) -> Iterator[str]:
        return iter(self._plan.tasks)

    def __len__(self) -> int:
        return len(self._plan.tasks)


class ConnectedStorages(Mapping[str, DataStorage]):
    """Storage name -> the storage, connected when asked for."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def __getitem__(self, name: str) -> DataStorage:
        if name not in self._plan.storages:
            raise KeyError(name)
        return STATE.storages.connected(name)

    def __contains__(self, name: object) -> bool:
        return name in self._plan.storages

    def __iter__(self) -> Iterator[str]:
        return iter(self._plan.storages)

    def __len__(self) -> int:
        return len(self._plan.storages)
