"""``Store.claim_delivery`` and ``Store.append_event`` in a SQL database: who runs a node run, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from selinon_core.celery.stores import delivery_rules as rules
from selinon_core.celery.stores.protocol import (
    DUPLICATE,
    ENDED,
    GONE,
    LEASED,
    NEEDS_ADVANCE,
    PAUSED,
    RUN,
    STALE,
    Begun,
    Delivered,
    NodeRecord,
)
from selinon_core.celery.stores.sql.locked_run import RunTransaction


class Event(NamedTuple):
    """An event for the inbox; see ``Store.append_event``."""

    number: int
    entry: str
    delivery: int = -1
    error: tuple[str, str] | None = None


class Asked(NamedTuple):
    """The other arguments that come with events; see ``Store.append_event``."""

    now: float
    urgent: bool
    known: int
    lease: float
    ttl: float = 0.0


def claimed(run: RunTransaction, deliveries: Mapping[int, int], redelivered: bool, now: float) -> list[Begun]:
    """See ``Store.claim_delivery`` and ``claim_deliveries``."""
    if run.row is None:
        return [Begun(GONE)] * len(deliveries)
    if run.row.status == "cancelled":
        return [Begun(ENDED)] * len(deliveries)
    answers, awaited = [], 0
    paused = run.row.status == "running" and rules.is_paused(run.row.inbox_threshold)
    for number, delivery in deliveries.items():
        look = run.look([number])
        record = look.records.get(number, NodeRecord())
        if record.done or not number:
            run.leave_inlined(number, look.inlined, now)
            left = look.inlined is not None or look.outbox or look.waiting
            answers.append(Begun(rules.claim_of_done(bool(left))))
            continue
        claim = rules.claim(record, delivery, redelivered, now)
        if claim.record is None:
            answers.append(Begun(claim.kind))
            continue
        if paused:
            held = rules.held(record, delivery, redelivered)
            if held is not None:
                awaited -= 1
                run.put_record(number, held)
            answers.append(Begun(PAUSED))
            continue
        awaited += claim.awaited
        record = claim.record
        run.put_record(number, record)
        answers.append(Begun(RUN, record.attempts, record.retries, record.deliveries, look.payload))
    if awaited:
        run.change(undelivered=run.row.undelivered - awaited)
    if all(answer.kind in (RUN, STALE) for answer in answers):
        run.may_be_forgotten()  # then they count as not begun: at worst they run again
    return answers


def appended(run: RunTransaction, events: Sequence[Event], asked: Asked) -> Delivered:
    """See ``Store.append_event`` and ``append_successes``."""
    row, now = run.row, asked.now
    if row is None:
        return Delivered(GONE)
    held = row.lease > now
    urgent = rules.is_urgent(asked.urgent, row.inbox_threshold, [event.number for event in events])
    collects = row.inbox_threshold > 1 and not urgent and not held
    numbers = [event.number for event in events if event.number]
    look = run.look(numbers, counted=True) if numbers or collects else None
    kept = []
    for event in events:
        if event.number and look is not None:
            record = rules.completed(look.records.get(event.number, NodeRecord()), event.delivery)
            if record is None:
                continue
            run.put_record(event.number, record)
        if event.error is not None:
            run.put_error(*event.error, now + (asked.ttl or 86400))
        kept.append(event.entry)
    if not kept:
        return Delivered(DUPLICATE)
    running, waiting = row.status == "running", len(kept) + (0 if look is None else look.waiting)
    kind = rules.event_verdict(running, held, urgent, waiting, row.inbox_threshold, asked.lease > 0)
    if kind == ENDED:
        return Delivered(kind)
    pending = run.add_entries(kept)
    if kind == LEASED:
        return Delivered(kind, run.open(asked.known, asked.lease, now, pending))
    if kind == NEEDS_ADVANCE:
        run.due_by(now + rules.WAKEUP_BACKOFF)
    return Delivered(kind)
