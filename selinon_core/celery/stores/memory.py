"""The state store in a process's own memory: for tests, and the reference for what the others do."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from selinon_core.celery.stores.protocol import (
    BUFFERED,
    DUPLICATE,
    ENDED,
    GONE,
    LEASE_HELD,
    LEASED,
    NEEDS_ADVANCE,
    REDELIVERED_UNFINISHED,
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

#: Seconds a due run is put off when somebody was told of it, doubled each time, and the most of it.
WAKEUP_BACKOFF = 2.0
MAX_WAKEUP_BACKOFF = 300.0


class _Run:
    def __init__(self, header: Mapping[str, str], now: float) -> None:
        self.header = dict(header) | {"created": repr(now), "updated": repr(now)}
        self.version = 0
        self.token = 0
        self.lease = 0.0
        self.undelivered = 0
        self.wakeups_sent = 0
        self.log: list[str] = []
        self.inbox: list[str] = []
        self.outbox: dict[str, None] = {}
        self.nodes: dict[int, NodeRecord] = {}
        self.seen: dict[int, float] = {}
        self.inlined: dict[int, int] = {}
        self.payloads: dict[int, str] = {}
        self.timers: dict[str, float] = {}
        self.expires: float | None = None

    @property
    def running(self) -> bool:
        return self.header["status"] == "running"

    @property
    def missing(self) -> int:
        """How many node runs have a message on its way: not those that wait for their time."""
        return self.undelivered - sum(name[0] in "ns" for name in self.timers)

    def keep(self, number: int, record: NodeRecord) -> None:
        """Keep a record; a node run that is begun and not done was seen when it began."""
        self.nodes[number] = record
        if record.begun_at and not record.done:
            self.seen[number] = record.begun_at
        else:
            self.seen.pop(number, None)

    def number(self, field: str) -> float:
        return float(self.header.get(field) or 0)


class MemoryStore:
    """See ``Store``."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._runs: dict[str, _Run] = {}
        self._due_index: dict[str, float] = {}
        self._throttle: dict[str, float] = {}
        self._errors: dict[str, str] = {}
        self._definitions: dict[str, str] = {}
        self._leader = ("", 0.0)

    def prepare(self) -> None:
        """Nothing is missing."""

    def claim_delivery(self, flow_id: str, number: int, delivery: int, redelivered: bool, now: float) -> Begun:
        """See ``Store.claim_delivery``."""
        with self._lock:
            run = self._runs.get(flow_id)
            if run is None or run.header["status"] == "cancelled":
                return Begun(GONE)
            record = run.nodes.get(number, NodeRecord())
            if record.done or not number:
                if number in run.inlined:
                    run.outbox[f"o{run.inlined.pop(number)}"] = None
                    self._look_by(flow_id, now + WAKEUP_BACKOFF)
                return Begun(REDELIVERED_UNFINISHED if run.outbox or run.inbox else DUPLICATE)
            if delivery < record.delivery:
                return Begun(STALE)
            fresh = delivery > record.delivery or not record.begun_at
            if not fresh and not redelivered:
                return Begun(STALE)
            run.undelivered -= fresh
            record = record._replace(delivery=delivery, begun_at=now, deliveries=record.deliveries + 1)
            run.keep(number, record)
            return Begun(RUN, record.attempts, record.retries, record.deliveries, run.payloads.get(number))

    def claim_deliveries(self, flow_id: str, deliveries: Mapping[int, int], now: float) -> list[Begun]:
        """See ``Store.claim_deliveries``."""
        with self._lock:
            return [self.claim_delivery(flow_id, *each, False, now) for each in deliveries.items()]

    def retry(
        self, flow_id: str, number: int, delivery: int, counted: bool, countdown: float, grace: float, now: float
    ) -> int | None:
        """See ``Store.retry``."""
        with self._lock:
            run = self._runs.get(flow_id)
            record = None if run is None else run.nodes.get(number, NodeRecord())
            if run is None or record is None or record.done or record.delivery != delivery:
                return None
            run.keep(number, NodeRecord(delivery + 1, 0.0, record.attempts + 1, record.retries + counted, 0))
            run.undelivered += 1
            due = now + (countdown or grace)
            run.timers[f"n{number}"] = due
            self._look_by(flow_id, due)
            return delivery + 1

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
                record = run.nodes.get(number, NodeRecord())
                if record.done or (delivery >= 0 and record.delivery != delivery):
                    return Delivered(DUPLICATE)
                run.keep(number, record._replace(done=True))
            if error is not None:
                self._errors[error[0]] = error[1]
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
                record = run.nodes.get(number, NodeRecord())
                if not record.done:
                    run.keep(number, record._replace(done=True))
                    kept.append(entry)
            if not kept:
                return Delivered(DUPLICATE)
            return self._appended(flow_id, run, kept, now, False, known, lease)

    def _appended(
        self, flow_id: str, run: _Run, entries: list[str], now: float, urgent: bool, known: int, lease: float
    ) -> Delivered:
        if not run.running:
            return Delivered(ENDED)
        run.inbox.extend(entries)
        if run.lease > now:
            return Delivered(LEASE_HELD)
        if not urgent and len(run.inbox) < run.number("inbox_threshold"):
            return Delivered(BUFFERED)
        if lease:
            return Delivered(LEASED, self._acquire_lease(flow_id, run, known, lease, now))
        self._look_by(flow_id, now + WAKEUP_BACKOFF)
        return Delivered(NEEDS_ADVANCE)

    def acquire_lease(self, flow_id: str, known: int, lease: float, now: float) -> Opened | None:
        """See ``Store.acquire_lease``."""
        with self._lock:
            run = self._runs.get(flow_id)
            if run is None or run.lease > now:
                return None
            return self._acquire_lease(flow_id, run, known, lease, now)

    def _acquire_lease(self, flow_id: str, run: _Run, known: int, lease: float, now: float) -> Opened:
        run.token += 1
        run.lease = now + lease
        self._due_index[flow_id] = run.lease
        known = known if known <= run.version else 0
        return Opened(
            run.token,
            run.version,
            known,
            tuple(run.log[known:]),
            tuple(run.inbox),
            self._header(run),
            tuple(run.outbox),
            tuple(name for name, due in run.timers.items() if due <= now),
        )

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
            now = step.now
            run = self._runs.get(step.flow_id)
            if run is None and step.create is not None:
                run = self._runs[step.flow_id] = _Run(step.create, now)
            if run is None or run.version != step.version:
                return Committed(False)
            if step.token is None:
                done = step.completes and run.nodes.get(step.completes, NodeRecord()).done
                if run.lease > now or run.inbox or done:
                    return Committed(False)
                if step.completes:
                    record = run.nodes.get(step.completes, NodeRecord())
                    run.keep(step.completes, record._replace(done=True))
            elif run.token != step.token or not run.lease:
                return Committed(False)
            delays = self._apply(run, step)
            entries = tuple(run.inbox)
            running = run.running
            if running and (step.keep or entries):
                if step.token is None:
                    run.token += 1
                run.lease = now + step.lease
                self._due_index[step.flow_id] = run.lease
                return Committed(True, run.token, entries, delays)
            if not running:
                run.inbox.clear()
                run.expires = now + step.ttl
                if step.keep:
                    if step.token is None:
                        run.token += 1
                    run.lease = now + step.lease
                    self._due_index[step.flow_id] = run.lease
                    return Committed(True, run.token, (), delays)
            run.lease = 0.0
            self._plan(step.flow_id, run, now)
            return Committed(True, None, (), delays)

    def _apply(self, run: _Run, step: Commit) -> list[float]:
        now = step.now
        if step.batch is not None:
            run.log.append(step.batch)
            run.version += 1
        del run.inbox[: step.consumed]
        for key in step.outbox:
            run.outbox[key] = None
            run.undelivered += key[0] in "tf"
        for key in step.done:
            run.outbox.pop(key, None)
        if step.carrier is not None:
            run.inlined.pop(step.carrier, None)
            if step.inlined:
                run.inlined[step.carrier] = step.inlined
                run.keep(step.inlined, NodeRecord(0, now, 0, 0, 1))
        run.payloads.update(step.payloads or {})
        if step.clear_timers:
            run.timers = {name: due for name, due in run.timers.items() if name[0] == "n"}
        for name in step.cancelled_timers:
            run.timers.pop(name, None)
        run.timers.update(step.timers or {})
        delays = []
        for key, name, distance in step.throttled:
            start = max(now, self._throttle.get(name, now))
            self._throttle[name] = start + distance
            delays.append(start - now)
            run.undelivered += 1
            if start <= now:
                run.outbox[key] = None
            else:
                run.timers["n" + key[1:] if key[0] == "t" else "s" + key[1:]] = start
        run.header.update(step.fields or {})
        if step.batch is not None:
            run.header["updated"] = repr(now)
        run.wakeups_sent = 0
        return delays

    def _plan(
        self,
        flow_id: str,
        run: _Run,
        now: float,
        least_silence: float = 0.0,
        republish_after: float = 0.0,
        lost_after: float = 0.0,
    ) -> None:
        """Put on the due_index when to look at the run next."""
        times = list(run.timers.values())
        if run.outbox:
            times.append(now + WAKEUP_BACKOFF)
        idle_check_after = run.number("idle_check_after")
        if idle_check_after and run.running:
            look = run.number("updated") + idle_check_after
            if look <= now and least_silence:
                look = now + max(idle_check_after, least_silence)
                missing_at = run.number("updated") + republish_after
                if run.missing > 0 and now < missing_at < look:
                    look = missing_at
                if run.seen:
                    look = min(look, max(min(run.seen.values()) + lost_after, now))
            times.append(look)
        if times:
            self._due_index[flow_id] = min(times)
        else:
            self._due_index.pop(flow_id, None)

    def _look_by(self, flow_id: str, when: float) -> None:
        self._due_index[flow_id] = min(when, self._due_index.get(flow_id, when))

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
        found = []
        with self._lock:
            ready = sorted((when, id) for id, when in self._due_index.items() if when <= now)[:limit]
            for _, flow_id in ready:
                run = self._runs.get(flow_id)
                reason = None
                if run is not None:
                    reason = self._reason(run, now, resend_after, heartbeat_timeout)
                if run is None:
                    self._due_index.pop(flow_id)
                elif run.lease > now:
                    self._due_index[flow_id] = run.lease
                elif reason is None:
                    self._plan(flow_id, run, now, idle_check_interval, resend_after, heartbeat_timeout)
                else:
                    put_off = min(WAKEUP_BACKOFF * 2**run.wakeups_sent, MAX_WAKEUP_BACKOFF)
                    if reason == "silent":
                        put_off = max(put_off, now - run.number("updated"))
                    self._due_index[flow_id] = now + put_off
                    run.wakeups_sent += 1
                    found.append(Due(flow_id, run.header["flow"], run.header["queue"], reason))
            for flow_id, run in list(self._runs.items()):
                if run.expires is not None and run.expires <= now:
                    del self._runs[flow_id]
        return found

    @staticmethod
    def _reason(run: _Run, now: float, republish_after: float, lost_after: float) -> str | None:
        if run.lease > now:
            return None
        if run.lease:
            return "lease"
        if run.outbox:
            return "outbox"
        if run.running and run.inbox and len(run.inbox) >= run.number("inbox_threshold"):
            return "inbox"
        if any(due <= now for due in run.timers.values()):
            return "timer"
        quiet = now - run.number("updated")
        idle_check_after = run.number("idle_check_after")
        if run.running and idle_check_after and run.seen and min(run.seen.values()) <= now - lost_after:
            return "lost"
        if run.running and idle_check_after and quiet >= republish_after and (run.missing > 0 or run.inbox):
            return "silent"
        return None

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

    @staticmethod
    def _header(run: _Run) -> dict[str, str]:
        return run.header | {"version": str(run.version), "lease": repr(run.lease)}

    def header(self, flow_id: str) -> Mapping[str, str] | None:
        """See ``Store.header``."""
        with self._lock:
            run = self._runs.get(flow_id)
            return None if run is None else self._header(run)

    def read(self, flow_id: str) -> tuple[Mapping[str, str], Sequence[str], Sequence[str]] | None:
        """See ``Store.read``."""
        with self._lock:
            run = self._runs.get(flow_id)
            return None if run is None else (self._header(run), tuple(run.log), tuple(run.inbox))

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
            record = None if run is None else run.nodes.get(number, NodeRecord())
            if run is None or record is None or record.done:
                return None
            run.undelivered += bool(record.begun_at)
            run.keep(number, record._replace(delivery=record.delivery + 1, begun_at=0.0))
            return record.delivery + 1

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

    def put_definition(self, name: str, text: str) -> None:
        """See ``Store.put_definition``."""
        self._definitions.setdefault(name, text)

    def get_definition(self, name: str) -> str | None:
        """See ``Store.definition``."""
        return self._definitions.get(name)

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

    # for tests only
    def left_over(self) -> Iterator[tuple[str, Any]]:
        """Runs with something in inbox or outbox."""
        for flow_id, run in self._runs.items():
            if run.inbox or run.outbox:
                yield flow_id, (run.inbox, list(run.outbox))
