"""The schema of messages: JSON keyword arguments of the two Celery tasks, checked before they are used.

They hold identifiers and a node's own arguments. What would grow with the flow (parents of a large join) or is
large by itself stays in the state store as the payload of the node run (``has_payload``) and is fetched from
there. With ``refers`` the arguments are the value of a ``Referring``: parts of them are addresses of results.

Every message carries the number of its format (``v``). One of a larger number than this worker knows is left to
newer workers (``FormatSkew``); fields that are not known are ignored.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from selinon_core.celery.stores.run_header import Caller
from selinon_core.celery.transport.message_limits import (
    AROUND,
    MAX_COUNT,
    MAX_DEPTH,
    MAX_ID,
    MAX_NAME,
    is_small,
    is_too_deep,
    unfit_for_line,
)
from selinon_core.dispatch import SelectiveRun
from selinon_core.dispatch.references import Referring, shown
from selinon_core.errors import FormatSkew, MessageRefused

#: The format of the messages that this worker sends; it reads those of smaller numbers too.
FORMAT = 1
#: The format of a message whose arguments refer to results (``refers``): a worker that knows none gets none.
REFERRING_FORMAT = 2
#: The format of messages about runs that are retried: an older worker would refuse them.
RETRY_FORMAT = 3
#: The format of a message with several starts (``start_batch``).
STARTS_FORMAT = 4
#: The format of messages that pause and resume runs.
PAUSE_FORMAT = 5
#: The format of a message with a signal for a task that waits.
SIGNAL_FORMAT = 6
#: The format of messages about runs that wait for the place of a limit: an older worker knows no such runs.
LIMIT_FORMAT = 7
#: The format of a start that runs another run again: an older worker would run what is reused.
RERUN_FORMAT = 8
#: The format of a message for a task with a limit: an older worker would run it without a place.
TASK_LIMIT_FORMAT = 9
#: The formats that this worker reads.
KNOWN_FORMATS = frozenset(
    (
        FORMAT,
        REFERRING_FORMAT,
        RETRY_FORMAT,
        STARTS_FORMAT,
        PAUSE_FORMAT,
        SIGNAL_FORMAT,
        LIMIT_FORMAT,
        RERUN_FORMAT,
        TASK_LIMIT_FORMAT,
    )
)
#: Parents, failures and origins above this many characters of JSON go to the store; arguments have more.
MOST_INLINE = 1024
MOST_ARGUMENTS = 65536
#: The header with the trace that a message belongs to.
TRACE_HEADER = "traceparent"
#: The header with the time at which a node run was first sent, in seconds since the epoch by the store's clock.
#: Only messages of a trace have it.
QUEUED_HEADER = "selinon_queued"
#: How the reason of a flow run begins whose start has expired.
EXPIRY = "expired: "

#: The last time that a start may name: the end of the year 9999.
_LATEST = 253402300799

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class NodeMessage(NamedTuple):
    """Run a task: node run ``number`` of flow run ``id``, in delivery ``delivery``."""

    flow: str
    id: str
    number: int
    task: str
    args: Any
    parent: dict[str, Any]
    failures: dict[str, Any]
    result_locations: dict[str, str]
    delivery: int
    has_payload: bool
    trace: str = ""
    refers: bool = False
    #: The lane of the run; empty: it has none, or an older worker sent the message.
    lane: str = ""
    #: Its ``QUEUED_HEADER``; 0: it has none.
    queued: float = 0.0

    @property
    def given(self) -> Any:
        """The arguments, a ``Referring`` where they refer to results."""
        return Referring(self.args) if self.refers else self.args

    def with_payload(self, text: str | None) -> NodeMessage:
        """The message with what the store kept for it."""
        if text is None:
            return self
        payload = json.loads(text)
        return self._replace(
            **{key: payload[key] for key in ("args", "parent", "failures", "result_locations") if key in payload}
        )


class StartMessage(NamedTuple):
    """Begin a flow run; ``caller`` is the node run that a sub-flow is, ``key`` that of a start with one."""

    flow: str
    id: str
    args: Any
    parent: dict[str, Any]
    failures: dict[str, Any] | None
    selective: dict[str, Any] | None
    result_locations: dict[str, str]
    caller: Caller | None
    delivery: int
    has_payload: bool
    trace: str = ""
    refers: bool = False
    #: The run at the top of a sub-flow's; empty: of a root run, or an older worker sent it.
    root: str = ""
    key: str = ""
    #: How often the node run that this sub-flow is was run again, in runs that were reopened.
    serial: int = 0
    #: What is run again, as ``RunHeader.rerun``.
    rerun: dict[str, Any] | None = None
    #: The lane that was asked for, or that of the run above; empty: none.
    lane: str = ""
    #: From when on the start is of no use, in seconds since the epoch; 0: it may wait as long as it has to.
    expires: float = 0.0

    @property
    def given(self) -> Any:
        """The arguments, a ``Referring`` where they refer to results."""
        return Referring(self.args) if self.refers else self.args

    @property
    def request(self) -> str:
        """The digest of what a start with a key asks for: another one under this key is a conflict."""
        if not self.key:
            return ""
        asked = json.dumps([self.args, self.selective], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(asked.encode()).hexdigest()

    def has_expired(self, now: float) -> bool:
        """Whether it is too late to begin the run."""
        return 0 < self.expires <= now

    @property
    def expiry(self) -> str:
        """Why the run of a start that has expired does not begin."""
        return f"{EXPIRY}no worker began it before {datetime.fromtimestamp(self.expires, UTC):%Y-%m-%dT%H:%M:%SZ}"

    def with_payload(self, text: str | None) -> StartMessage:
        """The message with what the store kept for it."""
        if text is None:
            return self
        payload = json.loads(text)
        return self._replace(
            **{key: payload[key] for key in ("args", "parent", "failures", "result_locations") if key in payload}
        )


class WakeMessage(NamedTuple):
    """Advance a flow run that has due work. ``cancel``: and cancel it."""

    flow: str
    id: str
    cancel: bool


class RetryMessage(NamedTuple):
    """Let a flow run that failed go on; its log has ``version`` batches, so it did not go on yet.

    ``numbers`` are the node runs that run again, None: all that failed. ``by`` says who asked for it.
    """

    flow: str
    id: str
    version: int
    numbers: tuple[int, ...] | None
    by: str | None


class SignalMessage(NamedTuple):
    """What the task ``node`` of a flow run waits for: its result ``value``, or with ``reject`` why it fails.

    ``number`` is that of the node run, 0: the one of that name that waits. ``early``: if none waits yet, the
    signal is kept for the first that does. ``by`` says who gives it.
    """

    flow: str
    id: str
    node: str
    number: int = 0
    value: Any = None
    reject: str | None = None
    by: str | None = None
    early: bool = False


class PauseMessage(NamedTuple):
    """Pause or resume a flow run.

    ``number`` is that of the pause, counted for the run: odd to pause, even to resume. So each counts once,
    however often its message arrives. ``by`` says who asked for it.
    """

    flow: str
    id: str
    number: int
    by: str | None

    @property
    def pauses(self) -> bool:
        """Whether the run is to pause, else to go on."""
        return self.number % 2 == 1


#: What ``read_dispatch`` returns.
DispatchMessage = StartMessage | WakeMessage | RetryMessage | PauseMessage | SignalMessage
Message = NodeMessage | DispatchMessage


def split_payload(parts: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """What of args, parent, failures and origins may travel, and the text of the rest (None: nothing)."""
    inline: dict[str, Any] = {}
    if isinstance(parts["args"], Referring):
        inline |= {"v": REFERRING_FORMAT, "refers": True}
        parts = {**parts, "args": shown(parts["args"])}
    kept: dict[str, Any] = {}
    for key, value in parts.items():
        if value or key == "args":
            (inline if is_small(value) or _may_travel(key, value) else kept)[key] = value
    return inline, _encode(kept) if kept else None


def _may_travel(key: str, value: Any) -> bool:
    limit = MOST_ARGUMENTS if key == "args" else MOST_INLINE
    text = _encode(value)
    return len(text) <= limit and not is_too_deep(value, text)


def read_nodes(
    kwargs: Mapping[str, Any], most_bytes: int, trace: Any = None, queued: Any = None
) -> tuple[NodeMessage, ...]:
    """Check the arguments of ``selinon.SelinonTaskEnvelope``: one node run, or several (``nodes``).

    ``trace`` and ``queued`` are the message's ``TRACE_HEADER`` and ``QUEUED_HEADER``, if it has them. Raises
    ``MessageRefused``, and ``FormatSkew`` for a message of a newer format.
    """
    nodes = kwargs.get("nodes")
    if nodes is None:
        return (read_node(kwargs, most_bytes, trace, queued),)
    _check_format(kwargs, most_bytes)
    if not isinstance(nodes, list) or not nodes or not all(isinstance(node, dict) for node in nodes):
        raise _refusal("nodes", nodes, "is not a list of node runs")
    shared = {"v": kwargs["v"], "flow": kwargs.get("flow"), "id": kwargs.get("id"), "lane": kwargs.get("lane")}
    return tuple(read_node({**node, **shared}, most_bytes, trace, queued) for node in nodes)


def read_node(kwargs: Mapping[str, Any], most_bytes: int, trace: Any = None, queued: Any = None) -> NodeMessage:
    """Check the arguments that ask for one node run; raises as ``read_nodes``."""
    _check_format(kwargs, most_bytes)
    return NodeMessage(
        _name(kwargs, "flow"),
        _id(kwargs, "id"),
        _count(kwargs, "number", 1),
        _name(kwargs, "task"),
        kwargs.get("args"),
        _lineage(kwargs, "parent"),
        _lineage(kwargs, "failures"),
        _result_locations(kwargs),
        _count(kwargs, "delivery", 0),
        bool(kwargs.get("has_payload")),
        _trace(trace),
        bool(kwargs.get("refers")),
        _lane(kwargs),
        _time(queued),
    )


def _time(value: Any) -> float:
    """A time in a header; 0 for what is not one: nothing depends on it but a metric."""
    is_time = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= _LATEST
    return float(value) if is_time else 0.0


def read_dispatch(kwargs: Mapping[str, Any], most_bytes: int, trace: Any = None) -> DispatchMessage:
    """Check the arguments of ``selinon.Dispatcher``; raises as ``read_nodes``."""
    _check_format(kwargs, most_bytes)
    action = kwargs.get("action")
    if action in ("wake", "cancel"):
        return WakeMessage(_name(kwargs, "flow"), _id(kwargs, "id"), action == "cancel")
    if action == "retry":
        return _retry(kwargs)
    if action == "signal":
        return _signal(kwargs)
    if action in ("pause", "resume"):
        return _pause(kwargs, action)
    if action != "start":
        raise MessageRefused(f"it asks for {str(action)[:50]!r}: that is not an action")
    return StartMessage(
        _name(kwargs, "flow"),
        _id(kwargs, "id"),
        kwargs.get("args"),
        _lineage(kwargs, "parent"),
        _lineage(kwargs, "failures") or None,
        _selective(kwargs),
        _result_locations(kwargs),
        _caller(kwargs),
        _count(kwargs, "delivery", 0),
        bool(kwargs.get("has_payload")),
        _trace(trace),
        bool(kwargs.get("refers")),
        "" if kwargs.get("root") is None else _id(kwargs, "root"),
        _name(kwargs, "key") if kwargs.get("key") is not None else "",
        _count(kwargs, "serial", 0),
        _rerun(kwargs),
        _lane(kwargs),
        _expires(kwargs),
    )


def _expires(kwargs: Mapping[str, Any]) -> float:
    value = kwargs.get("expires", 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST:
        raise _refusal("expires", value, "is not a time")
    return float(value)


def _lane(kwargs: Mapping[str, Any]) -> str:
    return "" if kwargs.get("lane") is None else _name(kwargs, "lane")


def _retry(kwargs: Mapping[str, Any]) -> RetryMessage:
    numbers, by = kwargs.get("numbers"), kwargs.get("by")
    if numbers is not None and not (isinstance(numbers, list) and all(_is_count(each, 1) for each in numbers)):
        raise _refusal("numbers", numbers, "is not a list of numbers of node runs")
    return RetryMessage(
        _name(kwargs, "flow"),
        _id(kwargs, "id"),
        _count(kwargs, "version", 0),
        None if numbers is None else tuple(numbers),
        None if by is None else _name({"by": by}, "by"),
    )


def _signal(kwargs: Mapping[str, Any]) -> SignalMessage:
    reject, by = kwargs.get("reject"), kwargs.get("by")
    if reject is not None and not isinstance(reject, str):
        raise _refusal("reject", reject, "is not a text")
    return SignalMessage(
        _name(kwargs, "flow"),
        _id(kwargs, "id"),
        _name(kwargs, "node"),
        _count(kwargs, "number", 0),
        kwargs.get("value"),
        reject,
        None if by is None else _name({"by": by}, "by"),
        bool(kwargs.get("early")),
    )


def _pause(kwargs: Mapping[str, Any], action: str) -> PauseMessage:
    number, by = _count(kwargs, "pause", 1), kwargs.get("by")
    if (number % 2 == 1) != (action == "pause"):
        raise _refusal("pause", number, f"does not {action} a flow run")
    by = None if by is None else _name({"by": by}, "by")
    return PauseMessage(_name(kwargs, "flow"), _id(kwargs, "id"), number, by)


def is_v1_message(kwargs: Mapping[str, Any]) -> bool:
    """Whether a message is of selinon 1.x: it belongs to another deployment."""
    return "v" not in kwargs and "flow_name" in kwargs


def _refusal(key: str, value: Any, what: str) -> MessageRefused:
    return MessageRefused(f'"{key}" {what}: {str(value)[:50]!r}')


def _check_format(kwargs: Mapping[str, Any], most_bytes: int) -> None:
    version = kwargs.get("v")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise MessageRefused(
            f"its format is {str(version)[:20]!r}, which is not a number from 1 to {max(KNOWN_FORMATS)}"
        )
    if version not in KNOWN_FORMATS:
        known = ", ".join(str(each) for each in sorted(KNOWN_FORMATS))
        raise FormatSkew(f"a message of format {version}, and formats {known} are known here")
    if all(map(is_small, kwargs.values())):
        if not all(map(_is_finite, kwargs.values())):
            raise MessageRefused("it holds a number that is not finite")
        return
    try:
        text = _encode(dict(kwargs))
    except (ValueError, RecursionError) as error:
        raise MessageRefused(f"it holds a value that JSON does not have: {error}") from None
    if len(text) > most_bytes:
        raise MessageRefused(f"a message of {len(text)} bytes; selinon_max_message_bytes is {most_bytes}")
    if is_too_deep(kwargs, text, MAX_DEPTH + AROUND):
        raise MessageRefused(f"it holds more than {MAX_DEPTH} lists and mappings inside each other")


def _is_finite(value: Any) -> bool:
    """Whether all numbers of a value that ``is_small`` are finite."""
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    return not isinstance(value, float) or math.isfinite(value)


def _name(kwargs: Mapping[str, Any], key: str) -> str:
    value = kwargs.get(key)
    if unfit_for_line(value, MAX_NAME):
        raise _refusal(key, value, "is not a name")
    assert isinstance(value, str)
    return value


def _id(kwargs: Mapping[str, Any], key: str) -> str:
    value = kwargs.get(key)
    if unfit_for_line(value, MAX_ID):
        raise _refusal(key, value, "is not an id")
    assert isinstance(value, str)
    return value


def _count(kwargs: Mapping[str, Any], key: str, least: int) -> int:
    value = kwargs.get(key, least)
    if not _is_count(value, least):
        raise _refusal(key, value, "is not a count")
    assert isinstance(value, int)
    return value


def _is_count(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= MAX_COUNT


def _caller(kwargs: Mapping[str, Any]) -> Caller | None:
    match kwargs.get("caller"):
        case None:
            return None
        case [id, number, flow] if (
            not unfit_for_line(id, MAX_ID) and not unfit_for_line(flow, MAX_NAME) and _is_count(number, 1)
        ):
            return Caller(id, number, flow)
        case other:
            raise _refusal("caller", other, "is not a caller")


def _mapping(kwargs: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = kwargs.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _refusal(key, value, "is not a mapping")
    return value


def _lineage(kwargs: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Node run ids by name: one, several, or those of a sub-flow by name again."""
    value = _mapping(kwargs, key)
    if not _holds_ids(value):
        raise _refusal(key, value, "contains a value that is not an id")
    return value


def _holds_ids(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_holds_ids(item) for item in value.values())
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value))


def _result_locations(kwargs: Mapping[str, Any]) -> dict[str, str]:
    value = _mapping(kwargs, "result_locations")
    if not all(isinstance(flow, str) for flow in value.values()):
        raise _refusal("result_locations", value, "contains a value that is not the name of a flow")
    return value


def _selective(kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
    value = _mapping(kwargs, "selective")
    if not value:
        return None
    try:
        selective = SelectiveRun.from_json(value)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _refusal("selective", value, "is not a selection") from None
    if not all(isinstance(task, str) for task in selective.tasks):
        raise _refusal("selective", value, "does not name tasks")
    return value


def _rerun(kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
    value = _mapping(kwargs, "rerun")
    if not value:
        return None
    if unfit_for_line(value.get("of"), MAX_ID):
        raise _refusal("rerun", value, "does not say which flow run")
    return value


def _trace(header: Any) -> str:
    return header if isinstance(header, str) and not unfit_for_line(header, MAX_NAME) else ""
