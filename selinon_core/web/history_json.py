"""The JSON of an event of a run's history in responses of the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from selinon_core.web.shortening import shortened

_ABOUT = ("event", "time", "flow_name", "dispatcher_id")
_LONGEST_SENTENCE = 500


def event_json(event: dict[str, Any]) -> dict[str, Any]:
    """``{"event", "time", "flow", "run", "text", "details"}``; ``text`` is what is read first, in one line."""
    details = {name: value for name, value in event.items() if name not in _ABOUT}
    return {
        "event": event["event"],
        "time": event["time"],
        "flow": event.get("flow_name"),
        "run": event.get("dispatcher_id"),
        "text": _sentence(details),
        "details": shortened(details),
    }


def _sentence(details: dict[str, Any]) -> str:
    """Which node or edge, which condition, and what the condition saw."""
    node = details.get("task_name") or details.get("child_flow_name") or details.get("node_name")
    parts = [] if node is None else [str(node)]
    if "nodes_from" in details and node is None:
        parts.append(f"{', '.join(details['nodes_from']) or 'start'} → {', '.join(details['nodes_to'])}")
    if details.get("condition_str"):
        parts.append(f"if {details['condition_str']}")
    saw = dict(_saw(details.get("condition")))
    if saw:
        parts.append("saw " + ", ".join(f"{name} = {value!r}" for name, value in saw.items()))
    what = str(details.get("what") or details.get("reason") or "").strip()
    if what:
        parts.append(what.splitlines()[-1])
    text = " · ".join(parts)
    return text if len(text) <= _LONGEST_SENTENCE else text[: _LONGEST_SENTENCE - 1] + "…"


def _saw(explained: Any) -> Iterator[tuple[str, Any]]:
    """What the expressions of a condition read, wherever they stand in it."""
    if isinstance(explained, dict):
        saw = explained.get("saw")
        if isinstance(saw, dict):
            yield from saw.items()
        for value in explained.values():
            yield from _saw(value)
    elif isinstance(explained, list):
        for part in explained:
            yield from _saw(part)
