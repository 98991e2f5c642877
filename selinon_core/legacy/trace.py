"""``Trace``: the names of events, and the sinks that get them.

The original's events are numbers; here they are their names, so that sinks get the same in every version.
``Trace.TASK_START == "TASK_START" == Trace.event2str(Trace.TASK_START)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from selinon_core.legacy.replaced import watch_replacing
from selinon_core.legacy.state import STATE
from selinon_core.runtime.trace import events, tracer

if TYPE_CHECKING:
    import logging


@watch_replacing("json_trace_func", "log", "logging_trace_func")
class Trace:
    """The trace of the process. A sink is ``f(event, report)`` with a dictionary of its own."""

    DISPATCHER_WAKEUP = "DISPATCHER_WAKEUP"
    FLOW_SCHEDULE = "FLOW_SCHEDULE"
    FLOW_START = "FLOW_START"
    TASK_SCHEDULE = "TASK_SCHEDULE"
    TASK_START = "TASK_START"
    SUBFLOW_SCHEDULE = "SUBFLOW_SCHEDULE"
    TASK_END = "TASK_END"
    NODE_SUCCESSFUL = "NODE_SUCCESSFUL"
    TASK_DISCARD_RESULT = "TASK_DISCARD_RESULT"
    TASK_FAILURE = "TASK_FAILURE"
    TASK_RETRY = "TASK_RETRY"
    FLOW_FAILURE = "FLOW_FAILURE"
    DISPATCHER_FAILURE = "DISPATCHER_FAILURE"
    NODE_FAILURE = "NODE_FAILURE"
    FALLBACK_START = "FALLBACK_START"
    DISPATCHER_RETRY = "DISPATCHER_RETRY"
    FLOW_END = "FLOW_END"
    STORAGE_CONNECT = "STORAGE_CONNECT"
    STORAGE_DISCONNECT = "STORAGE_DISCONNECT"
    STORAGE_RETRIEVE = "STORAGE_RETRIEVE"
    STORAGE_RETRIEVED = "STORAGE_RETRIEVED"
    STORAGE_STORE = "STORAGE_STORE"
    STORAGE_STORED = "STORAGE_STORED"
    EDGE_COND_FALSE = "EDGE_COND_FALSE"
    FOREACH_RESULT = "FOREACH_RESULT"
    NODE_STATE_CACHE_GET = "NODE_STATE_CACHE_GET"
    NODE_STATE_CACHE_ADD = "NODE_STATE_CACHE_ADD"
    NODE_STATE_CACHE_MISS = "NODE_STATE_CACHE_MISS"
    NODE_STATE_CACHE_HIT = "NODE_STATE_CACHE_HIT"
    TASK_RESULT_CACHE_GET = "TASK_RESULT_CACHE_GET"
    TASK_RESULT_CACHE_ADD = "TASK_RESULT_CACHE_ADD"
    TASK_RESULT_CACHE_MISS = "TASK_RESULT_CACHE_MISS"
    TASK_RESULT_CACHE_HIT = "TASK_RESULT_CACHE_HIT"
    SELECTIVE_OMIT_EDGE = "SELECTIVE_OMIT_EDGE"
    SELECTIVE_OMIT_NODE = "SELECTIVE_OMIT_NODE"
    SELECTIVE_RUN_FUNC = "SELECTIVE_RUN_FUNC"
    SELECTIVE_TASK_REUSE = "SELECTIVE_TASK_REUSE"
    STORAGE_STORE_ERROR = "STORAGE_STORE_ERROR"
    STORAGE_OMIT_STORE_ERROR = "STORAGE_OMIT_STORE_ERROR"
    FALLBACK_COND_FALSE = "FALLBACK_COND_FALSE"
    FALLBACK_COND_TRUE = "FALLBACK_COND_TRUE"
    NODE_STATE_CACHE_ISSUE = "NODE_STATE_CACHE_ISSUE"
    TASK_RESULT_CACHE_ISSUE = "TASK_RESULT_CACHE_ISSUE"
    STORAGE_ISSUE = "STORAGE_ISSUE"
    RESULT_BACKEND_ISSUE = "RESULT_BACKEND_ISSUE"
    FLOW_RETRY = "FLOW_RETRY"
    MIGRATION = "MIGRATION"
    MIGRATION_SKEW = "MIGRATION_SKEW"
    MIGRATION_TAINTED_FLOW = "MIGRATION_TAINTED_FLOW"
    MIGRATION_ERROR = "MIGRATION_ERROR"
    EAGER_FAILURE = "EAGER_FAILURE"
    STORAGE_DELETE = "STORAGE_DELETE"
    STORAGE_DELETED = "STORAGE_DELETED"
    EDGE_COND_TRUE = "EDGE_COND_TRUE"
    NODE_UNREACHED = "NODE_UNREACHED"
    FLOW_CANCEL = "FLOW_CANCEL"
    TASK_TIMEOUT = "TASK_TIMEOUT"
    NODE_ARGS = "NODE_ARGS"
    START_CONFLICT = "START_CONFLICT"
    RUN_RETRIED = "RUN_RETRIED"
    RUN_RERUN = "RUN_RERUN"
    SCHEDULE_FIRED = "SCHEDULE_FIRED"
    SCHEDULE_SKIPPED = "SCHEDULE_SKIPPED"
    RETRY_REFUSED = "RETRY_REFUSED"
    RUN_PAUSED = "RUN_PAUSED"
    RUN_RESUMED = "RUN_RESUMED"
    RUN_QUEUED = "RUN_QUEUED"
    LIMIT_WAIT = "LIMIT_WAIT"
    LIMIT_CANCEL = "LIMIT_CANCEL"
    START_EXPIRED = "START_EXPIRED"
    SIGNAL = "SIGNAL"
    SIGNAL_REFUSED = "SIGNAL_REFUSED"
    MESSAGE_PARKED = "MESSAGE_PARKED"
    NODE_PROGRESS = "NODE_PROGRESS"

    #: Events that are logged as warnings.
    WARN_EVENTS = tuple(event for event in events.EVENTS if event in events.WARN_EVENTS)

    def __init__(self) -> None:
        raise NotImplementedError("Trace has class methods only")

    @classmethod
    def trace_by_logging(cls, logger: logging.Logger | None = None) -> None:
        """Trace to a logger, ``selinon.trace`` by default."""
        STATE.add_function(tracer.logging_sink(logger))

    @classmethod
    def trace_by_json(cls) -> None:
        """Trace as JSON lines: warnings to stderr, the other events to stdout."""
        STATE.add_function(tracer.json_sink)

    @classmethod
    def trace_by_func(cls, func: Callable[[str, dict[str, Any]], object]) -> None:
        """Trace to ``func(event, report)``."""
        STATE.add_function(func)

    @classmethod
    def trace_by_sentry(cls, dsn: str | None = None) -> None:
        """Report failures to Sentry; without ``dsn`` the environment's. Raises ``MissingExtraError``."""
        STATE.add_function(tracer.sentry_sink(dsn or ""))

    @classmethod
    def log(cls, event: str, *msg_dict: Mapping[str, Any], **msg_dict_kwargs: Any) -> None:
        """Emit an event, also one of your own; the mappings and keywords are its details."""
        report: dict[str, Any] = {}
        for part in msg_dict:
            report.update(part)
        report.update(msg_dict_kwargs)
        STATE.emit(event, report)

    @classmethod
    def event2str(cls, event: str) -> str:
        """The name of an event."""
        return str(event)

    @classmethod
    def logging_trace_func(
        cls, event: str, msg_dict: Mapping[str, Any], logger: logging.Logger | None = None
    ) -> None:
        """A sink: one line in a log."""
        tracer.logging_sink(logger)(event, tracer.jsonable(msg_dict))

    @classmethod
    def json_trace_func(cls, event: str, msg_dict: Mapping[str, Any]) -> None:
        """A sink: one JSON line."""
        tracer.json_sink(event, tracer.jsonable(msg_dict))
