"""Several starts of flow runs in one message: so a worker's main process hands them to one process of its pool.

``starts`` holds the arguments of each start as they were sent, and the trace that it belongs to. Only starts that
callers asked for are put together, and only such as no worker has had before. A header says so of a start: main
processes and Redis tell them from other messages by it, without reading their bodies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from selinon_core.celery.transport.message_schema import (
    STARTS_FORMAT,
    TRACE_HEADER,
    StartMessage,
    read_dispatch,
)
from selinon_core.celery.transport.publisher import DISPATCHER, OutgoingMessage
from selinon_core.errors import FormatSkew, MessageRefused

#: The header of a start that may share a message with others.
START_HEADER = "selinon_start"
#: The key of a start's trace among its arguments.
_TRACE = "trace"


class ReadStart(NamedTuple):
    """One start of a message: its arguments as they were sent, and what was read, or why that was not possible."""

    sent: Mapping[str, Any]
    message: StartMessage | MessageRefused | FormatSkew


def is_batch(kwargs: Mapping[str, Any]) -> bool:
    """Whether a message of ``selinon.Dispatcher`` holds several starts."""
    return kwargs.get("v") == STARTS_FORMAT and kwargs.get("action") == "start"


def joined(starts: Iterable[tuple[Mapping[str, Any], Any]]) -> dict[str, Any]:
    """The arguments of one message for several starts: of each its arguments and its ``TRACE_HEADER``."""
    each = [{**sent, _TRACE: trace} if trace else dict(sent) for sent, trace in starts]
    return {"v": STARTS_FORMAT, "action": "start", "starts": each}


def starts_in(kwargs: Any) -> list[Mapping[str, Any]]:
    """The starts in the arguments of a message, as they were sent; of a message for one start that one."""
    if not isinstance(kwargs, Mapping) or kwargs.get("action") != "start":
        return []
    starts = kwargs.get("starts") if is_batch(kwargs) else [kwargs]
    return [start for start in starts if isinstance(start, Mapping)] if isinstance(starts, list) else []


def read_starts(kwargs: Mapping[str, Any], most_bytes: int) -> list[ReadStart]:
    """Check the starts of a message, each by itself; raises ``MessageRefused`` where there are none."""
    starts = starts_in(kwargs)
    if not starts:
        raise MessageRefused('"starts" is not a list of starts')
    return [ReadStart(sent, _read(sent, most_bytes)) for sent in starts]


def _read(sent: Mapping[str, Any], most_bytes: int) -> StartMessage | MessageRefused | FormatSkew:
    try:
        message = read_dispatch({k: v for k, v in sent.items() if k != _TRACE}, most_bytes, sent.get(_TRACE))
    except (MessageRefused, FormatSkew) as error:
        return error
    if not isinstance(message, StartMessage) or message.caller is not None:
        return MessageRefused("it is not a start that a caller asked for")
    return message


def apart(starts: Sequence[Mapping[str, Any]], queue: str, again: bool) -> list[OutgoingMessage]:
    """A message of its own for each start, which is not put together with others any more.

    ``again``: a worker had it already.
    """
    messages = []
    for sent in starts:
        headers = {TRACE_HEADER: sent[_TRACE]} if sent.get(_TRACE) else {}
        if again:
            headers["retries"] = 1  # as Celery counts it, and as a message is known that was delivered before
        kwargs = {key: value for key, value in sent.items() if key != _TRACE}
        id, shown = str(sent.get("id")), f"selinon.flow.{sent.get('flow')}"
        messages.append(OutgoingMessage(queue, DISPATCHER, shown, id, id, kwargs, None, headers or None))
    return messages
