"""Batches of the event log as text: time, events, and why the run was ended from outside, if it was."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

_loads = json.JSONDecoder().raw_decode

#: The kind of the mark that ends the log of a run that was ended from outside; it is not an event of the machine.
_ENDED_OUTSIDE = "!"


class Batch(NamedTuple):
    """``events`` are parsed, not decoded. ``ended_by`` says why the run was ended from outside, if it was."""

    at: float
    events: Sequence[list[Any]]
    ended_by: str | None = None


def encode_batch(now: float, events: Sequence[str]) -> str:
    """A batch of encoded events."""
    return f"[{now:.3f},{','.join(events)}]"


def empty_batch(now: float) -> str:
    """A batch without events: what workers remember of the run is not the newest state of it any more."""
    return f"[{now:.3f}]"


def encode_end(now: float, reason: str) -> str:
    """The batch that ends a run from outside."""
    return encode_batch(now, [json.dumps([_ENDED_OUTSIDE, reason])])


def decode_batch(text: str) -> Batch:
    """The inverse of both."""
    at, *events = _loads(text)[0]
    if events and events[-1][0] == _ENDED_OUTSIDE:
        *events, mark = events
        return Batch(at, events, mark[1])
    return Batch(at, events)
