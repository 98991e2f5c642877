"""The attributes of ``Config`` that are computed from the configuration, or are gone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from selinon_core.legacy import views
from selinon_core.legacy.state import STATE
from selinon_core.legacy.written import Flag
from selinon_core.storage import DataStorage

if TYPE_CHECKING:
    from celery import Celery

#: Attributes of the original that are gone: they held generated code. Name -> what to use.
GONE = {
    "edge_table": "compile_project(...).plan.flows[name].edges describes edges",
    "failures": "compile_project(...).plan.flows[name].failures describes fallbacks",
    "strategies": "compile_project(...).plan.flows[name].sampling names the function; it delays nothing any more",
    "async_result_cache": "states of nodes are not polled, so they are not cached",
    "storage2storage_cache": "caches belong to the storage pool; StoragePool.retrieve uses them",
    "selective_run_task": "compile_project(...).plan.tasks[name].selective_run_function names the function",
    "get_starting_edges": "compile_project(...).plan.flows[name].edges describes edges; a start has no sources",
}


class ConfigAttributes(type):
    """The attributes of ``Config`` that are computed. They are read only."""

    @property
    def celery_app(cls) -> Celery | None:
        """The app, None when none was set."""
        return STATE.app

    @property
    def initialized(cls) -> bool:
        """Whether there is a configuration."""
        return STATE.initialized

    # Empty, not an error, before there is a configuration: as in the original.

    @property
    def flows(cls) -> list[str]:
        """Names of the flows."""
        return list(STATE.written.flows) if STATE.initialized else []

    @property
    def dispatcher_queues(cls) -> dict[str, str]:
        """Flow -> queue, with the environment filled in."""
        return views.dispatcher_queues(STATE.plan, STATE.written) if STATE.initialized else {}

    @property
    def task_queues(cls) -> dict[str, str]:
        """Task -> queue, with the environment filled in."""
        return views.task_queues(STATE.plan) if STATE.initialized else {}

    @property
    def task_classes(cls) -> Mapping[str, Any]:
        """Task -> class, imported when asked for."""
        return views.TaskClasses(STATE.plan) if STATE.initialized else {}

    @property
    def storage_mapping(cls) -> Mapping[str, DataStorage]:
        """Storage name -> storage, connected when asked for."""
        return views.ConnectedStorages(STATE.plan) if STATE.initialized else {}

    @property
    def task2storage_mapping(cls) -> dict[str, str | None]:
        """Task -> storage name, None for a task without storage."""
        return views.task2storage_mapping(STATE.plan) if STATE.initialized else {}

    @property
    def storage_readonly(cls) -> dict[str, bool]:
        """Task -> whether its results are not stored."""
        return views.storage_readonly(STATE.plan) if STATE.initialized else {}

    @property
    def storage_task_name(cls) -> dict[str, str]:
        """Task -> its name towards the storage."""
        return views.storage_task_name(STATE.plan) if STATE.initialized else {}

    @property
    def max_retry(cls) -> dict[str, int]:
        """Task or flow -> retries."""
        return views.max_retry(STATE.plan) if STATE.initialized else {}

    @property
    def retry_countdown(cls) -> dict[str, float]:
        """Task or flow -> seconds."""
        return views.retry_countdown(STATE.plan) if STATE.initialized else {}

    @property
    def output_schemas(cls) -> dict[str, str]:
        """Task -> path of its schema."""
        return views.output_schemas(STATE.plan) if STATE.initialized else {}

    @property
    def nowait_nodes(cls) -> dict[str, list[str]]:
        """Flow -> nodes that are not waited for."""
        return dict(STATE.written.nowait) if STATE.initialized else {}

    @property
    def eager_failures(cls) -> dict[str, list[str]]:
        """Flow -> nodes whose failure ends it at once."""
        return views.eager_failures(STATE.plan) if STATE.initialized else {}

    @property
    def node_args_from_first(cls) -> dict[str, bool]:
        """Flow -> whether its arguments come from its first task."""
        return views.node_args_from_first(STATE.plan) if STATE.initialized else {}

    @property
    def propagate_node_args(cls) -> dict[str, Flag]:
        """Flow -> sub-flows that get its arguments; true for all, false for none."""
        return dict(STATE.written.flags["propagate_node_args"]) if STATE.initialized else {}

    @property
    def propagate_parent(cls) -> dict[str, Flag]:
        """Flow -> sub-flows that get parents; true for all, false for none."""
        return dict(STATE.written.flags["propagate_parent"]) if STATE.initialized else {}

    @property
    def propagate_finished(cls) -> dict[str, Flag]:
        """Flow -> sub-flows whose finished tasks are collected, nested; true for all, false for none."""
        return dict(STATE.written.flags["propagate_finished"]) if STATE.initialized else {}

    @property
    def propagate_compound_finished(cls) -> dict[str, Flag]:
        """Flow -> sub-flows whose finished tasks are collected, flattened; true for all, false for none."""
        return dict(STATE.written.flags["propagate_compound_finished"]) if STATE.initialized else {}

    @property
    def throttle_tasks(cls) -> dict[str, timedelta | None]:
        """Task -> least time between two schedulings."""
        return views.throttling(STATE.plan.tasks) if STATE.initialized else {}

    @property
    def throttle_flows(cls) -> dict[str, timedelta | None]:
        """Flow -> least time between two schedulings as a sub-flow."""
        return views.throttling(STATE.plan.flows) if STATE.initialized else {}

    @property
    def migration_dir(cls) -> str | None:
        """Where migrations are."""
        return STATE.plan.settings.migration_dir if STATE.initialized else None

    def __getattr__(cls, name: str) -> Any:
        if name in GONE:
            raise AttributeError(f"Config.{name} is gone: {GONE[name]}")
        raise AttributeError(f"type object 'Config' has no attribute {name!r}")

    def __setattr__(cls, name: str, value: Any) -> None:
        if name in GONE or isinstance(vars(ConfigAttributes).get(name), property):
            raise AttributeError(
                f"Config.{name} cannot be assigned: use Config.set_config_yaml or Config.set_config_dict"
            )
        super().__setattr__(name, value)
