"""``Store.commit`` in a SQL database: writes a transition."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from selinon_core.celery.stores import delivery_rules as rules
from selinon_core.celery.stores.outbox_keys import BEGIN_FLOW, DEADLINE, read_outbox_key, send_timer
from selinon_core.celery.stores.protocol import Commit, Committed, NodeRecord, Reopening
from selinon_core.celery.stores.sql import index, limits
from selinon_core.celery.stores.sql.locked_run import OF_MESSAGES, OWN, RunSnapshot, RunTransaction

_MOST_AT_ONCE = 500


def commit(run: RunTransaction, step: Commit) -> Committed:
    """Keep a step; the row of its run is locked."""
    places = None
    if step.limit is not None:
        places = limits.refused(run.connection, run.tables, step.limit)
        if places is None:
            return Committed(False)
    if step.create is not None:
        if run.row is not None:
            return Committed(False)
        run.create(step.create, step.now)
    row = run.row
    if row is None or not rules.accepts(step, row.version, row.token, row.lease):
        return Committed(False)
    paused = _is_paused_after(row, step)
    look = run.look(
        [step.completes] if step.completes else (),
        done=step.done,
        changed=[*step.cancelled_timers, *(step.timers or ())],
        timers=DEADLINE if paused else OF_MESSAGES if step.clear_timers else "%",
    )
    if step.token is None:
        record = look.records.get(step.completes, NodeRecord())
        if not rules.accepts_shortcut(step, look.waiting, record, row.inbox_threshold):
            return Committed(False)
        if step.completes:
            run.put_record(step.completes, record._replace(done=True))
    if step.reopens is not None and not _reopen(run, step.reopens):
        return Committed(False)
    if places is None or step.limit is None:
        return _keep(run, step, look, paused)
    placed = limits.apply(places, step.limit, step.now)
    if placed.is_new:
        step = step._replace(timers={**(step.timers or {}), BEGIN_FLOW: step.now})
    step = step._replace(keep=step.keep and rules.may_keep(step, placed.holds))
    return _keep(run, step, look, paused)._replace(holds=placed.holds, granted=placed.granted)


def _is_paused_after(row: Any, step: Commit) -> bool:
    """Whether the run is paused when the step is kept."""
    fields = step.fields or {}
    running = fields.get("status", row.status) == "running"
    return running and rules.is_paused(int(fields.get("inbox_threshold", row.inbox_threshold)))


def _keep(run: RunTransaction, step: Commit, look: RunSnapshot, paused: bool) -> Committed:
    row, now = run.row, step.now
    values = _fields(run, step)
    running = values.get("status", row.status) == "running"
    if rules.is_progress(step, running):
        values |= {"updated": now, "silent_after": 0.0}
    if step.done or rules.is_progress(step, True):
        values["wakeups_sent"] = 0
    entries = _inbox(run, step, running)
    if paused and step.keep:
        entries = []
    run.put_outbox([key for key in step.outbox if key not in step.done])
    for begin in range(0, len(step.done), _MOST_AT_ONCE):
        keys = list(step.done[begin : begin + _MOST_AT_ONCE])
        run.changes.delete(run.tables.outbox, run=run.id, name__in=keys)
    _inlined(run, step)
    _payloads(run, step)
    _timers(run, step)
    delays, later = _throttle(run, step)
    if step.index_change is not None:
        index.apply(run.changes, run.tables, run.id, step.index_change, now)
    undelivered = rules.first_messages(step)
    if undelivered:
        values["undelivered"] = row.undelivered + undelivered
    if not running and step.ttl:
        values["expires"] = now + step.ttl
    token = None
    if step.keep or (entries and not paused):
        token = row.token + 1 if step.token is None else step.token
        values |= {"token": token, "lease": now + step.lease, "due": now + step.lease}
    else:
        facts = run.facts(look, values)._replace(
            timer=rules.earliest((look.timer, *(step.timers or {}).values(), *later)),
            outbox=bool(look.outbox or set(step.outbox) - set(step.done) or 0.0 in delays),
        )
        if paused:
            facts = rules.while_paused(facts, rules.earliest((look.timer, (step.timers or {}).get(DEADLINE))))
        values |= {"lease": 0.0, "due": rules.due_after_release(facts, now)}
    run.change(**values)
    return Committed(True, token, entries, delays)


def _reopen(run: RunTransaction, reopening: Reopening) -> bool:
    """Let node runs run again; False when one that is awaited is done."""
    nodes, errors = run.tables.nodes, run.tables.errors
    for numbers in _parts(reopening.awaited):
        ended = sa.select(nodes.c.number).where(nodes.c.run == run.id, nodes.c.number.in_(numbers), nodes.c.done)
        if run.connection.execute(ended.limit(1)).first() is not None:
            return False
    reset = {**rules.reopened(NodeRecord())._asdict(), "delivery": nodes.c.delivery + 1, "seen_at": 0.0}
    for numbers in _parts(list(reopening.again)):
        where = (nodes.c.run == run.id, nodes.c.number.in_(numbers))
        run.connection.execute(nodes.update().where(*where).values(reset))
    for ids in _parts(list(reopening.again.values())):
        run.connection.execute(errors.delete().where(errors.c.task.in_(ids)))
    run.change(expires=None)
    return True


def _parts(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for begin in range(0, len(items), _MOST_AT_ONCE):
        yield items[begin : begin + _MOST_AT_ONCE]


def _fields(run: RunTransaction, step: Commit) -> dict[str, Any]:
    """Change the run's row and append to its log."""
    values: dict[str, Any] = {}
    if step.batch is not None:
        values["version"] = run.row.version + 1
        run.changes.insert(run.tables.log, run=run.id, version=run.row.version + 1, batch=step.batch)
    fields = step.fields or {}
    others = {name: value for name, value in fields.items() if name not in OWN}
    if others:
        values["fields"] = json.dumps(json.loads(run.row.fields) | others)
    return values | {name: kind(fields[name] or 0) for name, kind in OWN.items() if name in fields}


def _inbox(run: RunTransaction, step: Commit, running: bool) -> list[str]:
    """Drop the consumed entries; returns the rest for the holder of the lease."""
    if not running:
        run.changes.delete(run.tables.inbox, run=run.id)
        return []
    if step.token is None:
        return []
    rows = run.entries()
    if step.consumed:
        run.changes.delete(run.tables.inbox, run=run.id, id__upto=rows[step.consumed - 1].id)
    return [row.entry for row in rows[step.consumed :]]


def _inlined(run: RunTransaction, step: Commit) -> None:
    if step.carrier is None:
        return
    if not step.inlined:
        run.changes.delete(run.tables.inlined, run=run.id, carrier=step.carrier)
        return
    run.changes.put(run.tables.inlined, {"run": run.id, "carrier": step.carrier}, number=step.inlined)
    run.put_record(step.inlined, rules.inlined(step.now))


def _payloads(run: RunTransaction, step: Commit) -> None:
    if step.payloads:
        rows = [{"run": run.id, "number": number, "body": body} for number, body in step.payloads.items()]
        run.connection.execute(run.tables.payloads.insert(), rows)


def _timers(run: RunTransaction, step: Commit) -> None:
    table, timers = run.tables.timers, step.timers or {}
    if step.clear_timers:
        run.changes.delete(table, run=run.id, name__unlike=OF_MESSAGES, name__not_in=list(timers))
    gone = [name for name in step.cancelled_timers if name not in timers]
    if gone:
        run.changes.delete(table, run=run.id, name__in=gone)
    run.put_timers(timers)


def _throttle(run: RunTransaction, step: Commit) -> tuple[list[float], list[float]]:
    """The seconds each throttled node waits, and when those come that wait."""
    slots, delays, later = run.tables.slots, [], []
    for key, name, distance in step.throttled:
        query = sa.select(slots.c.next).where(slots.c.name == name).with_for_update()
        start = max(step.now, run.connection.execute(query).scalar() or 0.0)
        taken = slots.update().where(slots.c.name == name).values(next=start + distance)
        if not run.connection.execute(taken).rowcount:
            run.connection.execute(slots.insert().values(name=name, next=start + distance))
        delays.append(start - step.now)
        if start <= step.now:
            run.put_outbox([key])
        else:
            run.put_timers({str(send_timer(read_outbox_key(key))): start})
            later.append(start)
    return delays, later
