"""One flow run as the memory store keeps it: header, log, inbox, outbox, timers and node records."""

from __future__ import annotations

from collections.abc import Mapping

from selinon_core.celery.stores import delivery_rules as rules
from selinon_core.celery.stores.outbox_keys import (
    DEADLINE,
    START_INLINED,
    OutboxKey,
    known_timers,
    read_outbox_key,
    send_timer,
)
from selinon_core.celery.stores.protocol import Commit, NodeRecord, Opened, Reopening


class MemoryRun:
    """The rows of one flow run. Its methods make changes; whether these are allowed is for the caller to check."""

    def __init__(self, header: Mapping[str, str], now: float) -> None:
        self.header = dict(header) | {"created": repr(now)}
        self.version = 0
        self.token = 0
        self.lease = 0.0
        self.updated = now
        self.silent_after = 0.0
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

    # -- looking ----------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        return self.header["status"] == "running"

    @property
    def inbox_threshold(self) -> int:
        return int(self.header.get("inbox_threshold") or 0)

    @property
    def paused(self) -> bool:
        return self.running and rules.is_paused(self.inbox_threshold)

    def full_header(self) -> dict[str, str]:
        """The header as readers get it."""
        own = {"version": str(self.version), "lease": repr(self.lease), "updated": repr(self.updated)}
        return self.header | own

    def record(self, number: int) -> NodeRecord:
        return self.nodes.get(number, NodeRecord())

    def facts(self) -> rules.RunFacts:
        facts = rules.RunFacts(
            running=self.running,
            lease=self.lease,
            waiting=len(self.inbox),
            inbox_threshold=self.inbox_threshold,
            outbox=bool(self.outbox),
            timer=rules.earliest(self.timers.values()),
            idle_check_after=float(self.header.get("idle_check_after") or 0),
            updated=self.updated,
            silent_after=self.silent_after,
            wakeups_sent=self.wakeups_sent,
            seen=lambda: rules.earliest(self.seen.values()),
            missing=lambda: rules.awaited_messages(self.undelivered, self.timers),
        )
        return rules.while_paused(facts, self.timers.get(DEADLINE)) if self.paused else facts

    # -- changing ---------------------------------------------------------------------------------------------

    def keep(self, number: int, record: NodeRecord) -> None:
        """Keep a record; a node run that is begun and not done was seen when it began."""
        self.nodes[number] = record
        if record.begun_at and not record.done:
            self.seen[number] = record.begun_at
        else:
            self.seen.pop(number, None)

    def progressed(self, now: float) -> None:
        """The run made progress: the wait for missing messages starts again."""
        self.updated = now
        self.silent_after = 0.0

    def leave_inlined(self, carrier: int, now: float) -> bool:
        """The receiver of message ``carrier`` is dead: the node run that it ran inline goes into the outbox."""
        if carrier not in self.inlined:
            return False
        self.outbox[str(OutboxKey(START_INLINED, self.inlined.pop(carrier)))] = None
        if self.running:
            self.progressed(now)
        return True

    def reopen(self, reopening: Reopening) -> None:
        self.expires = None
        for number in reopening.again:
            if number in self.nodes:
                self.keep(number, rules.reopened(self.nodes[number]))

    def take_lease(self, known: int, until: float, now: float) -> Opened:
        self.token += 1
        self.lease = until
        known = known if known <= self.version else 0
        due = tuple(name for name, at in self.timers.items() if at <= now)
        log, inbox, outbox = tuple(self.log[known:]), tuple(self.inbox), tuple(self.outbox)
        return Opened(self.token, self.version, known, log, inbox, self.full_header(), outbox, due)

    def apply(self, step: Commit, throttle: dict[str, float]) -> list[float]:
        """Make the changes of a commit; returns the delays of its throttled node runs."""
        now = step.now
        if step.completes and step.token is None:
            self.keep(step.completes, self.record(step.completes)._replace(done=True))
        if step.batch is not None:
            self.log.append(step.batch)
            self.version += 1
        del self.inbox[: step.consumed]
        for key in step.outbox:
            self.outbox[key] = None
        self.undelivered += rules.first_messages(step)
        for key in step.done:
            self.outbox.pop(key, None)
        if step.carrier is not None:
            self.inlined.pop(step.carrier, None)
            if step.inlined:
                self.inlined[step.carrier] = step.inlined
                self.keep(step.inlined, rules.inlined(now))
        self.payloads.update(step.payloads or {})
        self._set_timers(step)
        delays = [self._throttle(key, name, distance, throttle, now) for key, name, distance in step.throttled]
        self.header.update(step.fields or {})
        if rules.is_progress(step, self.running):
            self.progressed(now)
        if step.done or rules.is_progress(step, True):
            self.wakeups_sent = 0
        return delays

    def _set_timers(self, step: Commit) -> None:
        if step.clear_timers:
            kept = {str(timer) for timer in known_timers(self.timers) if timer.outlives_run}
            self.timers = {name: due for name, due in self.timers.items() if name in kept}
        for name in step.cancelled_timers:
            self.timers.pop(name, None)
        self.timers.update(step.timers or {})

    def _throttle(self, key: str, name: str, distance: float, throttle: dict[str, float], now: float) -> float:
        start = max(now, throttle.get(name, now))
        throttle[name] = start + distance
        if start <= now:
            self.outbox[key] = None
        else:
            self.timers[str(send_timer(read_outbox_key(key)))] = start
        return start - now
