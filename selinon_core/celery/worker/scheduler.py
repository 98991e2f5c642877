"""Starts flows by the clock: the part of the sweep's leader that looks after ``global.schedules``.

A due time goes two steps. First it is *decided*: skipped, or put among the waiting starts of its row, by a write
that fails when another leader was first (``Schedules.put``). Then each waiting start is *sent*, with a key made of
the schedule's name and the due time, and taken out of the row. A leader that dies in between leaves the row as it
is, and the next one sends the start again: with the same key, so it is the same flow run.

While nothing is due little is read: the next due times are known here, and rows are read when one comes.

This runs in the main process of a worker, and so do the trace sinks that get its events.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from selinon_core.celery.stores.index import CLOSED
from selinon_core.celery.stores.schedules import Pause, ScheduleRow, WaitingStart, rule_of
from selinon_core.errors import ConfigurationError, RequestError, StateStoreError

if TYPE_CHECKING:
    from selinon_core.celery.services import WorkerServices
    from selinon_core.due_times import DueTimes
    from selinon_core.plan import Plan, SchedulePlan

_log = logging.getLogger("selinon")

#: A start that is so much late, in seconds, was missed (``catch_up``). It is at least ``_GRACE_SWEEPS`` sweeps, so
#: that a leader whose predecessor died is in time.
GRACE = 60.0
_GRACE_SWEEPS = 20
#: Due times that were missed longer ago, in seconds, are forgotten.
OLDEST = 90 * 86400.0
#: Starts that may wait; what is due then is decided on later.
MOST_WAITING = 1000
#: Starts of a schedule that are sent in one look.
MOST_SENT = 100
#: A schedule that no leader had in its files for longer, in seconds, is a new one when it is there again. Until
#: then workers with old and new files may lead in turns.
ABSENT_AFTER = 3600.0
#: A start that no worker took for so long, in seconds, counts as lost for ``overlap``.
LOST_AFTER = 3600.0
#: Seconds until a start that could not be sent, or that waits for another run, is looked at again.
LOOK_AGAIN = 2.0
#: Seconds until everything is looked at again although nothing is due.
LOOK_LATEST = 60.0


class Starts(Protocol):
    """Starts and cancels flow runs."""

    def run_flow(self, flow: str, node_args: Any, *, key: str, lane: str | None, timeout: float | None) -> object:
        """Ask for a flow run; ``str()`` of what it returns is the id."""
        ...

    def cancel(self, id: str, flow: str | None, *, timeout: float | None) -> None:
        """Ask for the end of a flow run."""
        ...


class Skipped(NamedTuple):
    """A due time that starts nothing, the last one of several, and why."""

    due: float
    why: str


def start_key(name: str, due: float) -> str:
    """The key of the start of a schedule: all starts with it are one flow run."""
    return f"schedule {name} {datetime.fromtimestamp(due, UTC):%Y-%m-%dT%H:%M:%SZ}"


def start_time(schedule: SchedulePlan, due: float) -> float:
    """When a due time is started: up to ``jitter`` later, by a number that is the same for all workers."""
    if not schedule.jitter:
        return due
    digest = hashlib.sha256(start_key(schedule.name, due).encode()).digest()
    return due + schedule.jitter * int.from_bytes(digest[:4], "big") / 2**32


def decide(
    schedule: SchedulePlan, row: ScheduleRow, dues: Sequence[float], now: float, grace: float, runs: bool
) -> tuple[ScheduleRow, list[Skipped]]:
    """The row after a decision on these due times, and those that start nothing.

    ``runs``: whether the last run that was started has not ended.
    """
    if schedule.catch_up == "all":
        missed, wanted = [], list(dues)
    else:
        missed = [due for due in dues if now - start_time(schedule, due) > grace]
        late = set(missed)
        wanted = [due for due in dues if due not in late]
        if schedule.catch_up == "last" and missed and not wanted:
            wanted = [missed.pop()]
    skipped = _skipped(missed, "it was missed")
    waiting = list(row.waiting)
    if schedule.overlap == "skip":
        room = 0 if runs or waiting else 1
        wanted, overlapping = wanted[:room], wanted[room:]
        skipped += _skipped(overlapping, "the run before has not ended")
    elif schedule.overlap == "cancel" and wanted:
        *earlier, last = [*(due for due, _ in waiting), *wanted]
        skipped += _skipped(earlier, "a later start took its place")
        waiting, wanted = [], [last]
    waiting += [WaitingStart(due, schedule.flow) for due in wanted]
    return row._replace(decided=dues[-1], waiting=tuple(waiting)), skipped


def _skipped(dues: Sequence[float], why: str) -> list[Skipped]:
    """Due times that start nothing, as one: after an outage there may be thousands."""
    if not dues:
        return []
    return [Skipped(dues[-1], why if len(dues) == 1 else f"{why}, as {len(dues) - 1} before it")]


def check_schedules(plan: Plan) -> None:
    """Raise ``ConfigurationError`` for a schedule that is wrong, ``MissingExtraError`` without its library."""
    if not plan.settings.schedules:
        return
    from selinon_core.due_times import CronError, DueTimes, ZoneError

    for schedule in plan.settings.schedules:
        try:
            DueTimes(schedule.cron, schedule.timezone)
        except (CronError, ZoneError) as error:
            raise ConfigurationError(f"{schedule.place}: schedule {schedule.name}: {error}") from None


class Scheduler:
    """The schedules of one worker; used by one thread."""

    def __init__(self, services: WorkerServices, starts: Starts) -> None:
        self._services = services
        self._starts = starts
        self._schedules = services.plan.settings.schedules
        self._times: dict[str, DueTimes] = {}
        self._grace = max(GRACE, _GRACE_SWEEPS * services.settings.selinon_sweep_interval)
        self._look_at = 0.0
        self._cancelled: dict[str, float] = {}

    def run_once(self, now: float) -> float | None:
        """Start what is due; returns when to look again, None: never. Raises as the store does."""
        if now < self._look_at:
            return self._look_at if self._schedules else None
        rows = self._rows_in_files(now)
        if not self._schedules:
            self._look_at = float("inf")  # schedules that were removed are marked now
            return None
        pauses = self._services.store.schedules.pauses()
        self._look_at = now + LOOK_LATEST
        for schedule in self._schedules:
            row = rows.get((schedule.name, rule_of(schedule)))
            self._look_at = min(self._look_at, self._look_after(schedule, row, pauses, now))
        return self._look_at

    def look_again(self) -> None:
        """Look at everything next time: another worker led meanwhile, or a look failed."""
        self._look_at = 0.0

    # -- rows -------------------------------------------------------------------------------------------------

    def _rows_in_files(self, now: float) -> dict[tuple[str, str], ScheduleRow]:
        """The rows of the schedules in the files; others are marked as absent."""
        store = self._services.store.schedules
        named = {(schedule.name, rule_of(schedule)) for schedule in self._schedules}
        rows = {(row.name, row.rule): row for row in store.rows()}
        for key in rows.keys() - named:
            if rows[key].absent is None:
                store.put(rows[key]._replace(absent=now))
        if any(row.absent is not None for row in rows.values()):
            store.forget(now - self._services.settings.selinon_index_ttl)
        return {key: row for key, row in rows.items() if key in named}

    def _known(self, schedule: SchedulePlan, row: ScheduleRow | None, now: float) -> ScheduleRow | None:
        """The row of a schedule; of one that is new, one from now on. None: another leader was first."""
        if row is not None and row.absent is None:
            return row
        if row is None:
            row = ScheduleRow(schedule.name, rule_of(schedule), now)
        elif row.absent is not None and now - row.absent > ABSENT_AFTER:
            row = row._replace(decided=max(row.decided, now), waiting=(), absent=None)
        else:
            row = row._replace(absent=None)
        return self._put(row)

    def _put(self, row: ScheduleRow) -> ScheduleRow | None:
        """The row as it is stored now; None: another leader was first."""
        return row._replace(version=row.version + 1) if self._services.store.schedules.put(row) else None

    # -- one schedule -----------------------------------------------------------------------------------------

    def _look_after(
        self, schedule: SchedulePlan, row: ScheduleRow | None, pauses: dict[str, Pause], now: float
    ) -> float:
        """Decide and send what is due; returns when to look again."""
        again = now + LOOK_AGAIN
        known = self._known(schedule, row, now)
        if known is None:
            return again
        pause = pauses.get(schedule.name)
        is_paused = pause is not None and pause.paused
        since = known.decided if pause is None or is_paused else max(known.decided, pause.at)
        dues = self._due(schedule, since, now, MOST_WAITING - len(known.waiting))
        skipped: list[Skipped] = []
        if dues:
            if is_paused:
                decided = known._replace(decided=dues[-1])
                skipped = _skipped(dues, "the schedule is paused")
            else:
                runs = schedule.overlap == "skip" and self._runs(known, now)
                decided, skipped = decide(schedule, known, dues, now, self._grace, runs)
            stored = self._put(decided)
            if stored is None:
                return again
            known = stored
        for due, why in skipped:
            self._emit("SCHEDULE_SKIPPED", schedule.name, schedule.flow, due, what=why)
        if is_paused:
            return self._next(schedule, known.decided, now)
        sent = self._send(schedule, known, now)
        if sent is None or sent.waiting:
            return again
        return self._next(schedule, sent.decided, now)

    def _due(self, schedule: SchedulePlan, since: float, now: float, most: int) -> list[float]:
        """The due times behind ``since`` whose start time has come."""
        times = self._times_of(schedule).after(max(since, now - OLDEST))
        come = takewhile(lambda due: due <= now and start_time(schedule, due) <= now, times)
        # All of them where only the last ones count.
        return list(come) if schedule.catch_up != "all" and most > 0 else list(islice(come, max(most, 0)))

    def _next(self, schedule: SchedulePlan, since: float, now: float) -> float:
        due = next(self._times_of(schedule).after(max(since, now - OLDEST)), None)
        return float("inf") if due is None else max(start_time(schedule, due), now)

    def _times_of(self, schedule: SchedulePlan) -> DueTimes:
        times = self._times.get(schedule.name)
        if times is None:
            from selinon_core.due_times import DueTimes

            times = self._times[schedule.name] = DueTimes(schedule.cron, schedule.timezone)
        return times

    # -- starts -----------------------------------------------------------------------------------------------

    def _send(self, schedule: SchedulePlan, row: ScheduleRow, now: float) -> ScheduleRow | None:
        """Send the starts that wait; the row with those that still do. None: another leader was first."""
        for _ in range(MOST_SENT):
            if not row.waiting:
                break
            start, *rest = row.waiting
            left = row._replace(waiting=tuple(rest))
            key = start_key(schedule.name, start.due)
            try:
                if schedule.overlap in ("queue", "cancel") and self._runs(row, now):
                    if schedule.overlap == "cancel":
                        self._cancel(row, now)
                    break
                run = str(
                    self._starts.run_flow(start.flow, schedule.args, key=key, lane=schedule.lane, timeout=None)
                )
            except StateStoreError:
                raise
            except RequestError as error:
                stored = self._put(left)
                if stored is not None:
                    self._emit("SCHEDULE_SKIPPED", schedule.name, start.flow, start.due, what=str(error))
            except Exception as error:
                _log.warning(
                    "schedule %s: the start cannot be sent: %s: %s", schedule.name, type(error).__name__, error
                )
                break
            else:
                stored = self._put(
                    left._replace(last_due=start.due, last_at=now, last_flow=start.flow, last_run=run)
                )
                if stored is not None:
                    self._emit("SCHEDULE_FIRED", schedule.name, start.flow, start.due, dispatcher_id=run)
            if stored is None:
                return None
            row = stored
        return row

    def _runs(self, row: ScheduleRow, now: float) -> bool:
        """Whether the last run that was started has not ended, or waits for a worker."""
        if row.last_run is None or row.last_at is None:
            return False
        header = self._services.store.header(row.last_run)
        if header is not None:
            return header["status"] not in CLOSED
        # It ended so long ago that its state is gone, or no worker has begun it.
        return now - row.last_at < LOST_AFTER and self._services.store.index.get(row.last_run) is None

    def _cancel(self, row: ScheduleRow, now: float) -> None:
        """Cancel the last run, from time to time: the message may get lost."""
        assert row.last_run is not None
        if now - self._cancelled.get(row.name, 0.0) >= 10 * LOOK_AGAIN:
            self._starts.cancel(row.last_run, row.last_flow, timeout=None)
            self._cancelled[row.name] = now

    def _emit(self, event: str, name: str, flow: str, due: float, **details: Any) -> None:
        text = f"{datetime.fromtimestamp(due, UTC):%Y-%m-%dT%H:%M:%SZ}"
        what = {"schedule": name, "flow_name": flow, "due": text, **details}
        if event == "SCHEDULE_SKIPPED":
            _log.info("schedule %s: no start for %s: %s", name, text, details["what"])
        self._services.tracer.emit(event, what)
