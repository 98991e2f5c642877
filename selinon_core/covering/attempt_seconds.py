"""How long attempts of tasks took, from traces of runs: the time between the begin of an attempt and its end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from selinon_core.covering.histories import Event, events_of
from selinon_core.errors import RequestError
from selinon_core.plan import Plan

#: The first of these that follows the begin of an attempt ends it.
_ENDS = frozenset({"TASK_END", "TASK_RETRY", "TASK_FAILURE", "TASK_TIMEOUT"})


def attempt_seconds(plan: Plan, path: str) -> Iterator[tuple[str, float]]:
    """Task and seconds of each attempt whose begin and end are in a trace.

    Raises ``RequestError`` with file and line for what is not an event, or has no time.
    """
    begun: dict[str, float] = {}
    for line, event in events_of(path):
        task, id = event.get("task_name"), event.get("task_id")
        if not isinstance(task, str) or task not in plan.tasks or not isinstance(id, str):
            continue
        if event["event"] == "TASK_START":
            begun[id] = _time(path, line, event)
        elif event["event"] in _ENDS and id in begun:
            yield task, max(_time(path, line, event) - begun.pop(id), 0.0)


def _time(path: str, line: int, event: Event) -> float:
    """Seconds of the event: a trace of a local run has a number, workers write date and time in UTC."""
    time = event.get("time")
    if isinstance(time, str):
        try:
            return datetime.fromisoformat(f"{time}+00:00").timestamp()
        except ValueError:
            pass
    if isinstance(time, bool) or not isinstance(time, int | float):
        raise RequestError(f"{path}:{line}: the event {event['event']} has no time, but {time!r}")
    return time
