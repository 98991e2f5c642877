"""The schedules of a project as JSON: when each is due, and what it started last."""

from __future__ import annotations

from typing import Any

from selinon_core.celery.stores import Store
from selinon_core.celery.stores.run_header import shown_status
from selinon_core.celery.stores.schedules import Pause, ScheduleRow, rule_of
from selinon_core.plan import Plan, SchedulePlan

#: Due times that are listed of a schedule.
NEXT_TIMES = 3


def schedule_list(plan: Plan, store: Store, now: float) -> list[dict[str, Any]]:
    """Every schedule of the files, in their order; times are seconds since the epoch.

    ``next`` are due times, without the jitter; there are none while the schedule is paused. ``last`` is the last
    start, None when there was none. ``waiting`` are starts that wait for the run before, or for the broker. Raises
    ``MissingExtraError`` where the library for schedules is not installed.
    """
    schedules = plan.settings.schedules
    if not schedules:
        return []
    rows = {(row.name, row.rule): row for row in store.schedules.rows()}
    pauses = store.schedules.pauses()
    found = []
    for each in schedules:
        row = rows.get((each.name, rule_of(each)))
        started = [row for row in rows.values() if row.name == each.name and row.last_at is not None]
        last = max(started, key=lambda row: row.last_at or 0.0, default=None)  # under an earlier rule too
        found.append(_described(each, row, last, pauses.get(each.name), store, now))
    return found


def _described(
    schedule: SchedulePlan,
    row: ScheduleRow | None,
    last: ScheduleRow | None,
    pause: Pause | None,
    store: Store,
    now: float,
) -> dict[str, Any]:
    from selinon_core.due_times import DueTimes

    is_paused = pause is not None and pause.paused
    return {
        "name": schedule.name,
        "flow": schedule.flow,
        "cron": schedule.cron,
        "timezone": schedule.timezone,
        "overlap": schedule.overlap,
        "catch_up": schedule.catch_up,
        "jitter": schedule.jitter,
        "next": [] if is_paused else DueTimes(schedule.cron, schedule.timezone).next(now, NEXT_TIMES),
        "waiting": 0 if row is None else len(row.waiting),
        "last": None if last is None else _last(last, store),
        "paused": {"since": pause.at, "by": pause.by} if is_paused and pause is not None else None,
    }


def _last(row: ScheduleRow, store: Store) -> dict[str, Any]:
    """The last start: a run that no worker has begun, or that is forgotten, is ``pending``."""
    assert row.last_run is not None
    header = store.header(row.last_run)
    indexed = store.index.get(row.last_run) if header is None else None
    status = shown_status(header) if header is not None else "pending" if indexed is None else indexed.status
    return {"due": row.last_due, "at": row.last_at, "flow": row.last_flow, "id": row.last_run, "status": status}
