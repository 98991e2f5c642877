"""``Dispatcher`` and ``SelinonTaskEnvelope``: the original's Celery tasks, as projects read and wrap them.

Workers run flows with Celery tasks of the same names, which are not these classes. Everything that projects read
from the classes can be read here. Assigning to them warns, because no worker reads the assigned value.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from selinon_core.errors import FlowError, RequestError
from selinon_core.legacy.not_called import NotCalled, do_nothing

if TYPE_CHECKING:
    from celery.result import AsyncResult

    from selinon_core.legacy.flow_result import FlowResult

_SETTINGS = "queues, retries and acknowledgement are configured in the YAML files and in the Celery app"


class _CeleryTask(metaclass=NotCalled):
    """What both have from ``celery.Task``: the settings as they are by default, and its methods."""

    name: ClassVar[str]
    _call_instead: ClassVar[str]
    abstract = False
    acks_late = True
    autoregister = True
    default_retry_delay = 180
    expires = None
    ignore_result = False
    max_retries = None
    priority = None
    rate_limit = None
    reject_on_worker_lost = None
    send_events = True
    serializer = "json"
    soft_time_limit = None
    store_errors_even_if_ignored = None
    throws = ()
    time_limit = None
    track_started = True
    trail = True

    # What Celery calls on a task around its runs, and how a running task reports. Celery's own do nothing either.
    after_return = annotate = before_start = bind = on_bound = do_nothing
    on_failure = on_replace = on_retry = on_success = send_event = update_state = do_nothing

    @property
    def app(self) -> Any:
        """The Celery app that was set, else Celery's current one."""
        from selinon_core.legacy.state import STATE

        if STATE.app is not None:
            return STATE.app
        from celery import current_app

        return current_app._get_current_object()  # type: ignore[attr-defined]

    @property
    def backend(self) -> Any:
        """The result backend of the app."""
        return self.app.backend

    @property
    def request(self) -> SimpleNamespace:
        """The request of a task that no worker runs."""
        return SimpleNamespace(
            args=(), called_directly=True, delivery_info={}, headers=None, id=None, kwargs={}, retries=0
        )

    def AsyncResult(self, task_id: str, **options: Any) -> AsyncResult[Any]:
        """Return Celery's result of a run by its id."""
        result: AsyncResult[Any] = self.app.AsyncResult(task_id, **options)
        return result

    def retry(
        self, args: Any = None, kwargs: Any = None, exc: Exception | None = None, **options: Any
    ) -> NoReturn:
        """Raise ``exc``, else the exception being handled, else ``RequestError``."""
        error = exc or sys.exception()
        if error is not None:
            raise error
        self.run()

    def run(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise ``RequestError``: only workers run tasks, and not through this method."""
        raise RequestError(f"{type(self).__name__} cannot be called: {self._call_instead}")

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """As ``run``."""
        self.run(*args, **kwargs)

    def apply(self, *args: Any, **kwargs: Any) -> NoReturn:
        """As ``run``."""
        self.run(*args, **kwargs)


class FlowStart:
    """A start of a flow that is not made yet: what ``Dispatcher().s(...)`` returns."""

    def __init__(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self.args = tuple(args)
        self.kwargs = dict(kwargs)

    def apply_async(
        self, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> FlowResult:
        """Start the flow; ``args`` and ``kwargs`` are added to those given before."""
        return Dispatcher().apply_async((*self.args, *(args or ())), {**self.kwargs, **(kwargs or {})})

    def delay(self, *args: Any, **kwargs: Any) -> FlowResult:
        """As ``apply_async``."""
        return self.apply_async(args, kwargs)


class Dispatcher(_CeleryTask):
    """Stands for the original's dispatcher task; ``name`` is what routes and monitoring see."""

    instead = f"For a deadline of a flow set its `timeout` in the YAML file; {_SETTINGS}."
    name = "selinon.Dispatcher"
    _call_instead = "run_flow starts a flow on workers, `selinon run --local` runs one in this process"

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

    def s(self, *args: Any, **kwargs: Any) -> FlowStart:
        """Return a start of a flow, to be made by its ``apply_async`` or ``delay``."""
        return FlowStart(args, kwargs)

    si = s

    def signature(
        self, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> FlowStart:
        """As ``s``."""
        return FlowStart(args or (), kwargs or {})

    subtask = signature

    def migrate_message(self, flow_info: Mapping[str, Any]) -> None:
        """Do nothing: workers apply migrations to the runs in the state store."""

    def flow_failure(self, state: Mapping[str, Any] | None) -> NoReturn:
        """Raise the ``FlowError`` of a flow that fails in a state."""
        given = state or {}
        empty: dict[str, Any] = {"finished_nodes": {}, "failed_nodes": {}, "active_nodes": []}
        raise FlowError({key: given.get(key, value) for key, value in empty.items()})

    def selinon_retry(
        self, flow_info: Mapping[str, Any], adjust_retried_count: bool = True, keep_state: bool = True
    ) -> NoReturn:
        """Raise ``RequestError``: flows are retried as their ``max_retry`` says."""
        raise RequestError("a flow is retried as its `max_retry` in the YAML file says, not by selinon_retry")


class SelinonTaskEnvelope(_CeleryTask):
    """Stands for the original's task that ran tasks; ``name`` is what routes and monitoring see."""

    instead = f"For a deadline of a task set its `timeout` in the YAML file; {_SETTINGS}."
    name = "selinon.SelinonTaskEnvelope"
    _call_instead = "run_flow starts a flow, which starts its tasks"

    def apply_async(self, *args: Any, **options: Any) -> NoReturn:
        """Raise ``RequestError``: a task runs in a flow."""
        self.run()

    def delay(self, *args: Any, **kwargs: Any) -> NoReturn:
        """As ``apply_async``."""
        self.run()

    def s(self, *args: Any, **kwargs: Any) -> NoReturn:
        """As ``apply_async``."""
        self.run()

    si = signature = subtask = s

    @classmethod
    def validate_result(cls, task_name: str, result: Any) -> None:
        """Check a result against the schema of its task; raises what a run of the task would fail with."""
        from selinon_core.legacy.state import STATE
        from selinon_core.runtime.task_runner import SchemaChecker

        task = STATE.plan.tasks.get(task_name)
        if task is not None and task.output_schema is not None:
            SchemaChecker()(task, result)

    def selinon_retry(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise ``RequestError``: a task is retried as its ``max_retry`` says, or by ``self.retry()``."""
        raise RequestError("a task is retried as its `max_retry` in the YAML file says, or by self.retry() in it")
