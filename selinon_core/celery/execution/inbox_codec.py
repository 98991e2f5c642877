"""Entries of the inbox as text: events that arrived for a flow run and were not decided on yet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import decode_event, encode_event

_loads = json.JSONDecoder().raw_decode


#: The kinds of the entries about pauses. They are not events of the machine, and the log does not have them.
_RESUMED, _PAUSING = "u", "h"


class Resumed(NamedTuple):
    """The run is to go on after a pause; ``number`` as of ``PauseMessage``, ``by`` says who asked for it."""

    number: int
    by: str | None = None


class Pausing(NamedTuple):
    """While the run is paused by ``number``, so are the runs of its sub-flows: who looks at it pauses them."""

    number: int


#: What is in the inbox and not an event of the machine.
STEERING = (Resumed, Pausing)


class InboxEntry(NamedTuple):
    """An event; ``results`` holds the result that came with it, if one did (of a task without storage)."""

    event: on.Event | Resumed | Pausing
    results: Sequence[Any] = ()


def encode_entry(entry: InboxEntry) -> str:
    """An entry as text."""
    if isinstance(entry.event, Resumed):
        return json.dumps([_RESUMED, *entry.event], separators=(",", ":"))
    if isinstance(entry.event, Pausing):
        return json.dumps([_PAUSING, entry.event.number], separators=(",", ":"))
    event = encode_event(entry.event)
    return f"[{event},{json.dumps(entry.results[0])}]" if entry.results else event


def read_entry(text: str) -> InboxEntry:
    """The inverse; raises as ``decode_event``."""
    parts = _loads(text)[0]
    if isinstance(parts[0], list):
        return InboxEntry(decode_event(parts[0]), parts[1:2])
    if parts[0] == _RESUMED:
        return InboxEntry(Resumed(*parts[1:3]))
    if parts[0] == _PAUSING:
        return InboxEntry(Pausing(parts[1]))
    return InboxEntry(decode_event(parts))
