"""What becomes of messages and ends of node runs in a SQL database: ``Store.claim_delivery``, ``append_event``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from selinon_core.celery.stores.memory import WAKEUP_BACKOFF
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
    Delivered,
    NodeRecord,
)
from selinon_core.celery.stores.sql.transaction import RunTransaction


class Event(NamedTuple):
    """An event for the inbox; see ``Store.append_event``."""

    number: int
    entry: str
    delivery: int = -1
    error: tuple[str, str] | None = None


class Asked(NamedTuple):
    """What else is given with events; see ``Store.append_event``."""

    now: float
    urgent: bool
    known: int
    lease: float
    ttl: float = 0.0


def claimed(run: RunTransaction, deliveries: Mapping[int, int], redelivered: bool, now: float) -> list[Begun]:
    """See ``Store.claim_delivery`` and ``claim_deliveries``."""
    if run.row is None or run.row.status == "cancelled":
        return [Begun(GONE)] * len(deliveries)
    answers, fresh = [], 0
    for number, delivery in deliveries.items():
        look = run.look([number])
        record = look.records.get(number, NodeRecord())
        if record.done or not number:
            run.leave_ahead(number, look.inlined, now)
            left = look.inlined is not None or look.outbox or look.waiting
            answers.append(Begun(REDELIVERED_UNFINISHED if left else DUPLICATE))
            continue
        is_fresh = delivery > record.delivery or not record.begun_at
        if delivery < record.delivery or not (is_fresh or redelivered):
            answers.append(Begun(STALE))
            continue
        fresh += is_fresh
        record = record._replace(delivery=delivery, begun_at=now, deliveries=record.deliveries + 1)
        run.put_record(number, record)
        answers.append(Begun(RUN, record.attempts, record.retries, record.deliveries, look.payload))
    if fresh:
        run.change(undelivered=run.row.undelivered - fresh)
    if all(answer.kind in (RUN, STALE) for answer in answers):
        run.may_be_forgotten()  # then they count as not begun: at worst they are run again
    return answers


def appended(run: RunTransaction, events: Sequence[Event], asked: Asked) -> Delivered:
    """See ``Store.append_event`` and ``append_successes``."""
    row, now = run.row, asked.now
    if row is None:
        return Delivered(GONE)
    collects = row.inbox_threshold > 1 and not asked.urgent and row.lease <= now
    numbers = [event.number for event in events if event.number]
    look = run.look(numbers, counted=True) if numbers or collects else None
    kept = []
    for event in events:
        if event.number and look is not None:
            record = look.records.get(event.number, NodeRecord())
            if record.done or (event.delivery >= 0 and record.delivery != event.delivery):
                continue
            run.put_record(event.number, record._replace(done=True))
        if event.error is not None:
            run.put_error(*event.error, now + (asked.ttl or 86400))
        kept.append(event.entry)
    if not kept:
        return Delivered(DUPLICATE)
    if row.status != "running":
        return Delivered(ENDED)
    pending = run.add_entries(kept)
    if row.lease > now:
        return Delivered(LEASE_HELD)
    if collects and look is not None and look.waiting + len(kept) < row.inbox_threshold:
        return Delivered(BUFFERED)
    if asked.lease:
        return Delivered(LEASED, run.open(asked.known, asked.lease, now, pending))
    run.due_by(now + WAKEUP_BACKOFF)
    return Delivered(NEEDS_ADVANCE)
