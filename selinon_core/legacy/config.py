"""``Config``: the configuration of the process, under the original's names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from selinon_core.errors import ConfigurationError
from selinon_core.legacy import views
from selinon_core.legacy.loading import Path, load_data, load_files
from selinon_core.legacy.replaced import watch_replacing
from selinon_core.legacy.state import STATE
from selinon_core.legacy.trace import Trace
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


class _Attributes(type):
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
        if name in GONE or isinstance(vars(_Attributes).get(name), property):
            raise AttributeError(
                f"Config.{name} cannot be assigned: use Config.set_config_yaml or Config.set_config_dict"
            )
        super().__setattr__(name, value)


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
class Config(metaclass=_Attributes):
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
