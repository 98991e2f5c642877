"""The state store in the memory of one process: for tests, and the reference for the other stores."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from selinon_core.celery.stores import delivery_rules as rules
from selinon_core.celery.stores.condition import StoreCondition
from selinon_core.celery.stores.index import IndexChange
from selinon_core.celery.stores.limits import Placed, read_holder
from selinon_core.celery.stores.memory_audit import MemoryAudit
from selinon_core.celery.stores.memory_index import MemoryIndex
from selinon_core.celery.stores.memory_items import MemoryItems
from selinon_core.celery.stores.memory_limits import MemoryLimits, MemoryTaskLimits
from selinon_core.celery.stores.memory_run import MemoryRun
from selinon_core.celery.stores.memory_schedules import MemorySchedules
from selinon_core.celery.stores.memory_waits import MemoryWaits
from selinon_core.celery.stores.outbox_keys import BEGIN_FLOW, SEND_TASK, TimerKey
from selinon_core.celery.stores.protocol import (
    DUPLICATE,
    ENDED,
    GONE,
    LEASED,
    NEEDS_ADVANCE,
    OUT_OF_REACH,
    PAUSED,
    RUN,
    STALE,
    Begun,
    Commit,
    Committed,
    Delivered,
    Due,
    NodeRecord,
    Opened,
)
from selinon_core.celery.stores.run_header import awaits_start
from selinon_core.celery.surroundings import REAL


class MemoryStore:
    """See ``Store``.

    The class is as long as that protocol: each method is a few lines under one lock, and all share the same runs.
    """

    def __init__(self) -> None:
        self.clock: Callable[[], float] = REAL.now
        self._lock = threading.RLock()
        self._runs: dict[str, MemoryRun] = {}
        self._due_index: dict[str, float] = {}
        self._throttle: dict[str, float] = {}
        self._errors: dict[str, str] = {}
        self._definitions: dict[str, str] = {}
        self._leader = ("", 0.0)
        self.index = MemoryIndex(self._lock, self._runs)
        self.audit = MemoryAudit(self._lock)
        self.waits = MemoryWaits(self._lock)
        self.items = MemoryItems(self._lock)
        self.schedules = MemorySchedules(self._lock)
        self.limits = MemoryLimits(self._lock, self._is_running, self._admit)
        self.task_limits = MemoryTaskLimits(self._lock, self._is_running, self._admit_node)

    def prepare(self) -> None:
        """Nothing is missing."""

    def condition(self) -> StoreCondition:
        """See ``Store.condition``."""
        danger = (
            "memory:// keeps flow runs in one process: other processes do not find them. Set selinon_state_url"
        )
        return StoreCondition("memory of this process", self.clock(), (danger,))

    def claim_delivery(self, flow_id: str, number: int, delivery: int, redelivered: bool, now: float) -> Begun:
        """See ``Store.claim_delivery``."""
        with self._lock:
            run = self._runs.get(flow_id)
            if run is None:
                return Begun(GONE)
            if run.header["status"] == "cancelled":
                return Begun(ENDED)
            record = run.record(number)
            if record.done or not number:
                if run.leave_inlined(number, now):
                    self._look_by(flow_id, now + rules.WAKEUP_BACKOFF)
                return Begun(rules.claim_of_done(bool(run.outbox or run.inbox)))
            claim = rules.claim(record, delivery, redelivered, now)
            if claim.record is None:
                return Begun(claim.kind)
            if run.paused:
                held = rules.held(record, delivery, redelivered)
                if held is not None:
                    run.undelivered += 1
                    run.keep(number, held)
                return Begun(PAUSED)
            run.undelivered -= claim.awaited
            run.keep(number, claim.record)
            return Begun(RUN, record.attempts, record.retries, claim.record.deliveries, run.payloads.get(number))

    def claim_deliveries(self, flow_id: str, deliveries: Mapping[int, int], now: float) -> list[Begun]:
        """See ``Store.claim_deliveries``."""
        with self._lock:
            return [self.claim_delivery(flow_id, *each, False, now) for each in deliveries.items()]

    def retry(
        self,
        flow_id: str,
        number: int,
        delivery: int,
        counted: bool,
        countdown: float,
        grace: float,
        now: float,
        *,
        attempted: bool = True,
    ) -> int | None:
        """See ``Store.retry``."""
        with self._lock:
            run = self._runs.get(flow_id)
            record = None if run is None else rules.retried(run.record(number), delivery, counted, attempted)
            if run is None or record is None:
                return None
            run.keep(number, record)
            run.undelivered += 1
            due = now + (countdown or grace)
            run.timers[f"n{number}"] = due
            self._look_by(flow_id, due)
            return record.delivery

    def append_event(
        self,
        flow_id: str,
        number: int,
        entry: str,
        now: float,
        *,
        delivery: int = -1,
        urgent: bool = False,
        known: int = 0,
        lease: float = 0.0,
        error: tuple[str, str] | None = None,
        ttl: float = 0.0,
    ) -> Delivered:
        """See ``Store.append_event``."""
        with self._lock:
            run = self._runs.get(flow_id)
            if run is None:
                return Delivered(GONE)
            if number:
                record = rules.completed(run.record(number), delivery)
                if record is None:
                    return Delivered(DUPLICATE)
                run.keep(number, record)
            if error is not None:
                self._errors[error[0]] = error[1]
            urgent = rules.is_urgent(urgent, run.inbox_threshold, (number,))
            return self._appended(flow_id, run, [entry], now, urgent, known, lease)

    def append_successes(
        self, flow_id: str, entries: Mapping[int, str], now: float, *, known: int = 0, lease: float = 0.0
    ) -> Delivered:
        """See ``Store.append_successes``."""
        with self._lock:
            run = self._runs.get(flow_id)
            if run is None:
                return Delivered(GONE)
            kept = []
            for number, entry in entries.items():
                record = rules.completed(run.record(number))
                if record is not None:
                    run.keep(number, record)
                    kept.append(entry)
            if not kept:
                return Delivered(DUPLICATE)
            return self._appended(flow_id, run, kept, now, False, known, lease)

    def _appended(
        self, flow_id: str, run: MemoryRun, entries: list[str], now: float, urgent: bool, known: int, lease: float
    ) -> Delivered:
        waiting = len(run.inbox) + len(entries)
        kind = rules.event_verdict(run.running, run.lease > now, urgent, waiting, run.inbox_threshold, lease > 0)
        if kind != ENDED:
            run.inbox.extend(entries)
        if kind == LEASED:
            return Delivered(kind, self._acquire_lease(flow_id, run, known, lease, now))
        if kind == NEEDS_ADVANCE:
            self._look_by(flow_id, now + rules.WAKEUP_BACKOFF)
        return Delivered(kind)

    def acquire_lease(self, flow_id: str, known: int, lease: float, now: float) -> Opened | None:
        """See ``Store.acquire_lease``."""
        with self._lock:
            run = self._runs.get(flow_id)
            if run is None or run.lease > now:
                return None
            return self._acquire_lease(flow_id, run, known, lease, now)

    def _acquire_lease(self, flow_id: str, run: MemoryRun, known: int, lease: float, now: float) -> Opened:
        self._due_index[flow_id] = now + lease
        return run.take_lease(known, now + lease, now)

    def renew_lease(self, flow_id: str, token: int, until: float) -> bool:
        """See ``Store.renew_lease``."""
        with self._lock:
            run = self._runs.get(flow_id)
            if run is None or run.token != token or not run.lease:
                return False
            run.lease = until
            self._due_index[flow_id] = until
            return True

    def commit(self, step: Commit) -> Committed:
        """See ``Store.commit``."""
        with self._lock:
            run = self._runs.get(step.flow_id)
            if step.limit is not None and self.limits.refuses(step.limit):
                return Committed(False)
            if step.create is not None:
                if run is not None:
                    return Committed(False)
                run = self._runs[step.flow_id] = MemoryRun(step.create, step.now)
            if run is None or not rules.accepts(step, run.version, run.token, run.lease):
                return Committed(False)
            if step.token is None and not rules.accepts_shortcut(
                step, len(run.inbox), run.record(step.completes), run.inbox_threshold
            ):
                return Committed(False)
            if step.reopens is not None:
                if any(run.record(number).done for number in step.reopens.awaited):
                    return Committed(False)
                run.reopen(step.reopens)
                for task_id in step.reopens.again.values():
                    self._errors.pop(task_id, None)
            delays = run.apply(step, self._throttle)
            if step.index_change is not None:
                self.index.apply(step.flow_id, step.index_change, step.now)
            if not run.running:
                run.inbox.clear()
                run.expires = step.now + step.ttl if step.ttl else run.expires
            placed = Placed(True, []) if step.limit is None else self.limits.apply(step.limit, step.now)
            keep = step.keep and rules.may_keep(step, placed.holds)
            entries = () if run.paused and keep else tuple(run.inbox)
            if not (keep or (entries and not run.paused)):
                run.lease = 0.0
                self._look_at(step.flow_id, rules.due_after_release(run.facts(), step.now))
                return Committed(True, None, entries, delays, *placed)
            run.token += step.token is None
            run.lease = step.now + step.lease
            self._due_index[step.flow_id] = run.lease
            return Committed(True, run.token, entries, delays, *placed)

    def _is_running(self, flow_id: str) -> bool:
        run = self._runs.get(flow_id)
        return run is not None and run.running

    def _admit(self, flow_id: str, now: float) -> bool:
        """Whether a run still wants the place that is free; it begins."""
        run = self._runs.get(flow_id)
        if run is None or not run.running:
            return False
        run.timers[BEGIN_FLOW] = now
        self._look_by(flow_id, now + rules.WAKEUP_BACKOFF)
        return True

    def _admit_node(self, holder: str, now: float) -> bool:
        """Whether a node run still wants the place that is free; its message is due."""
        flow_id, number = read_holder(holder)
        run = self._runs.get(flow_id)
        if run is None or run.header["status"] == "cancelled" or run.record(number).done:
            return False
        timer = str(TimerKey(SEND_TASK, number))
        if timer in run.timers:
            run.timers[timer] = now
            self._look_by(flow_id, now + rules.WAKEUP_BACKOFF)
        return not run.paused

    def pause(self, flow_id: str, number: int, format: int, change: IndexChange | None, now: float) -> str:
        """See ``Store.pause``."""
        with self._lock:
            run = self._runs.get(flow_id)
            if run is None:
                return GONE
            if not run.running:
                return ENDED
            known = int(run.header.get("paused") or 0)
            if known >= number:
                return PAUSED if known == number else STALE
            run.token += 1
            run.lease = 0.0
            format = max(format, int(run.header.get("format") or 1))
            fields = {"paused": str(number), "inbox_threshold": str(OUT_OF_REACH), "format": str(format)}
            run.header.update(fields)
            if change is not None:
                self.index.apply(flow_id, change, now)
            self._look_at(flow_id, rules.due_after_pause(run.facts(), now))
            return PAUSED

    def _look_at(self, flow_id: str, when: float | None) -> None:
        if when is None:
            self._due_index.pop(flow_id, None)
        else:
            self._due_index[flow_id] = when

    def _look_by(self, flow_id: str, when: float) -> None:
        self._due_index[flow_id] = min(when, self._due_index.get(flow_id, when))

    def commit_all(self, steps: Sequence[Commit]) -> Sequence[Committed | Exception]:
        """See ``Store.commit_all``."""
        return [self.commit(step) for step in steps]

    def heartbeat(self, flow_id: str, numbers: Sequence[int], at: float) -> None:
        """See ``Store.heartbeat``."""
        with self._lock:
            run = self._runs.get(flow_id)
            if run is not None:
                for number in (*numbers, *(run.inlined[n] for n in numbers if n in run.inlined)):
                    if number in run.seen:
                        run.seen[number] = at

    def stalled_nodes(self, flow_id: str, before: float) -> list[int]:
        """See ``Store.stalled_nodes``."""
        with self._lock:
            run = self._runs.get(flow_id)
            return [] if run is None else sorted(n for n, at in run.seen.items() if at <= before)

    def claim_due_runs(
        self, now: float, limit: int, resend_after: float, idle_check_interval: float, heartbeat_timeout: float
    ) -> list[Due]:
        """See ``Store.claim_due_runs``."""
        limits = rules.Limits(now, resend_after, idle_check_interval, heartbeat_timeout)
        found = []
        with self._lock:
            ready = sorted((when, id) for id, when in self._due_index.items() if when <= now)[:limit]
            for _, flow_id in ready:
                run = self._runs.get(flow_id)
                if run is None:
                    self._due_index.pop(flow_id)
                    continue
                look = rules.look_at(run.facts(), limits)
                self._look_at(flow_id, look.due)
                run.wakeups_sent, run.updated, run.silent_after = look[2:]
                if look.reason is not None:
                    found.append(Due(flow_id, run.header["flow"], run.header["queue"], look.reason))
            for flow_id, run in list(self._runs.items()):
                if run.expires is not None and run.expires <= now:
                    del self._runs[flow_id]
        return found

    def next_due(self) -> float | None:
        """See ``Store.next_due``."""
        with self._lock:
            return min(self._due_index.values(), default=None)

    def acquire_leadership(self, owner: str, until: float, now: float) -> bool:
        """See ``Store.acquire_leadership``."""
        with self._lock:
            if self._leader[0] != owner and self._leader[1] > now:
                return False
            self._leader = (owner, until)
            return True

    def header(self, flow_id: str) -> Mapping[str, str] | None:
        """See ``Store.header``."""
        with self._lock:
            run = self._runs.get(flow_id)
            return None if run is None else run.full_header()

    def existing(self, flow_ids: Sequence[str]) -> set[str]:
        """See ``Store.existing``."""
        with self._lock:
            return {id for id in flow_ids if id in self._runs}

    def begun(self, flow_ids: Sequence[str]) -> set[str]:
        """See ``Store.begun``."""
        with self._lock:
            found = {id: self._runs[id].full_header() for id in flow_ids if id in self._runs}
        return {id for id, fields in found.items() if not awaits_start(fields)}

    def read(self, flow_id: str) -> tuple[Mapping[str, str], Sequence[str], Sequence[str]] | None:
        """See ``Store.read``."""
        with self._lock:
            run = self._runs.get(flow_id)
            return None if run is None else (run.full_header(), tuple(run.log), tuple(run.inbox))

    def since(self, flow_id: str, version: int) -> tuple[Mapping[str, str], Sequence[str], Sequence[str]] | None:
        """See ``Store.since``."""
        with self._lock:
            run = self._runs.get(flow_id)
            if run is None:
                return None
            known = version if version <= run.version else 0
            return run.full_header(), tuple(run.log[known:]), tuple(run.inbox)

    def records(self, flow_id: str, numbers: Sequence[int]) -> dict[int, NodeRecord]:
        """See ``Store.records``."""
        with self._lock:
            run = self._runs.get(flow_id)
            return {} if run is None else {n: run.nodes[n] for n in numbers if n in run.nodes}

    def payload(self, flow_id: str, number: int) -> str | None:
        """See ``Store.payload``."""
        with self._lock:
            run = self._runs.get(flow_id)
            return None if run is None else run.payloads.get(number)

    def timers(self, flow_id: str) -> dict[str, float]:
        """See ``Store.timers``."""
        with self._lock:
            run = self._runs.get(flow_id)
            return {} if run is None else dict(run.timers)

    def next_delivery(self, flow_id: str, number: int) -> int | None:
        """See ``Store.next_delivery``."""
        with self._lock:
            run = self._runs.get(flow_id)
            record = None if run is None else rules.resent(run.record(number))
            if run is None or record is None:
                return None
            run.undelivered += bool(run.record(number).begun_at)
            run.keep(number, record)
            return record.delivery

    def release_delivery(self, flow_id: str, number: int, delivery: int, deliveries: int) -> None:
        """See ``Store.release_delivery``."""
        with self._lock:
            run = self._runs.get(flow_id)
            record = None if run is None else run.nodes.get(number)
            if run is None or record is None or record.done:
                return
            if (record.delivery, record.deliveries) == (delivery, deliveries):
                run.nodes[number] = record._replace(deliveries=deliveries - 1)

    def inlined_node(self, flow_id: str, carrier: int) -> int | None:
        """See ``Store.inlined_node``."""
        with self._lock:
            run = self._runs.get(flow_id)
            return None if run is None else run.inlined.get(carrier)

    def error(self, task_id: str) -> str | None:
        """See ``Store.error``."""
        return self._errors.get(task_id)

    def put_errors(self, errors: Mapping[str, str], now: float, ttl: float) -> None:
        """See ``Store.put_errors``."""
        self._errors.update(errors)

    def put_definition(self, name: str, text: str) -> None:
        """See ``Store.put_definition``."""
        self._definitions.setdefault(name, text)

    def get_definition(self, name: str) -> str | None:
        """See ``Store.get_definition``."""
        return self._definitions.get(name)

    def forget(self, flow_ids: Sequence[str], errors: Sequence[str] = ()) -> list[str]:
        """See ``Store.forget``."""
        gone = []
        with self._lock:
            for flow_id in flow_ids:
                run = self._runs.get(flow_id)
                listed = self.index.get(flow_id)
                if (run is not None and run.running) or (run is None and (listed is None or listed.is_open)):
                    continue
                self._runs.pop(flow_id, None)
                self._due_index.pop(flow_id, None)
                self.index.forget(flow_id)
                gone.append(flow_id)
            for task_id in errors:
                self._errors.pop(task_id, None)
        return gone

    def runs(self, limit: int) -> list[str]:
        """See ``Store.runs``."""
        with self._lock:
            found = [(run.header["created"], id) for id, run in self._runs.items() if run.running]
            return [id for _, id in sorted(found, key=lambda row: -float(row[0]))[:limit]]

    def clear(self) -> None:
        """See ``Store.clear``."""
        self.__init__()  # type: ignore[misc]

    def close(self) -> None:
        """Nothing to give up."""

    # for tests and simulations only
    def ids(self) -> list[str]:
        """All runs."""
        return list(self._runs)

    def left_over(self) -> Iterator[tuple[str, Any]]:
        """Runs with something in inbox or outbox."""
        for flow_id, run in self._runs.items():
            if run.inbox or run.outbox:
                yield flow_id, (run.inbox, list(run.outbox))
