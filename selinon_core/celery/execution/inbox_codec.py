"""Entries of the inbox as text: events that arrived for a flow run and were not decided on yet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import decode_event, encode_event

_loads = json.JSONDecoder().raw_decode


class InboxEntry(NamedTuple):
    """An event; ``results`` holds the result that came with it, if one did (of a task without storage)."""

    event: on.Event
    results: Sequence[Any] = ()


def encode_entry(entry: InboxEntry) -> str:
    """An entry as text."""
    event = encode_event(entry.event)
    return f"[{event},{json.dumps(entry.results[0])}]" if entry.results else event


def read_entry(text: str) -> InboxEntry:
    """The inverse; raises as ``decode_event``."""
    parts = _loads(text)[0]
    if isinstance(parts[0], list):
        return InboxEntry(decode_event(parts[0]), parts[1:2])
    return InboxEntry(decode_event(parts))
