"""``Store.claim_due_runs`` in a SQL database."""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa

from selinon_core.celery.stores.memory import MAX_WAKEUP_BACKOFF, WAKEUP_BACKOFF
from selinon_core.celery.stores.protocol import Due
from selinon_core.celery.stores.sql.tables import Tables
from selinon_core.celery.stores.sql.transaction import RunTransaction, earlier


class Limits(NamedTuple):
    """See ``Store.claim_due_runs``."""

    now: float
    resend_after: float
    idle_check_interval: float
    heartbeat_timeout: float


def due_runs(connection: sa.Connection, tables: Tables, now: float, limit: int) -> tuple[list[str], list[str]]:
    """Runs to look at, and runs to forget."""
    runs = tables.runs
    due = sa.select(runs.c.id).where(runs.c.due <= now).order_by(runs.c.due).limit(limit)
    old = sa.select(runs.c.id).where(runs.c.expires <= now).limit(limit)
    return list(connection.execute(due).scalars()), list(connection.execute(old).scalars())


def look_at(run: RunTransaction, limits: Limits) -> Due | None:
    """What is due for a run; it is put off, so that it is not told again at once."""
    row, now = run.row, limits.now
    if row is None or row.due is None or row.due > now:
        return None
    if row.lease > now:
        run.change(due=row.lease)
        return None
    look = run.look(counted=True)
    quiet = row.status == "running" and row.idle_check_after
    seen = _least_recently_seen(run) if quiet else None
    reason = None
    if row.lease:
        reason = "lease"
    elif look.outbox:
        reason = "outbox"
    elif row.status == "running" and look.waiting and look.waiting >= row.inbox_threshold:
        reason = "inbox"
    elif look.timer is not None and look.timer <= now:
        reason = "timer"
    elif seen is not None and seen <= now - limits.heartbeat_timeout:
        reason = "lost"
    elif quiet and now - row.updated >= limits.resend_after:
        reason = "silent" if look.waiting or _missing(run) > 0 else None
    if reason is None:
        run.change(due=_next_look(run, look.timer, seen, limits) if quiet else look.timer)
        return None
    put_off = min(WAKEUP_BACKOFF * 2**row.wakeups_sent, MAX_WAKEUP_BACKOFF)
    if reason == "silent":
        put_off = max(put_off, now - row.updated)
    run.change(wakeups_sent=row.wakeups_sent + 1, due=now + put_off)
    return Due(run.id, row.flow, row.queue, reason)


def _next_look(run: RunTransaction, timer: float | None, seen: float | None, limits: Limits) -> float:
    """When to look again at a run of which nothing is due."""
    row, now = run.row, limits.now
    look: float = row.updated + row.idle_check_after
    if look <= now:
        look = now + max(row.idle_check_after, limits.idle_check_interval)
        missing_at = row.updated + limits.resend_after
        if now < missing_at < look and _missing(run) > 0:
            look = missing_at
        if seen is not None:
            look = min(look, max(seen + limits.heartbeat_timeout, now))
    return earlier(timer, look)


def _missing(run: RunTransaction) -> int:
    """How many node runs have a message on its way: not those that wait for their time."""
    if run.row.undelivered <= 0:
        return 0
    timers = run.tables.timers
    names = run.connection.execute(sa.select(timers.c.name).where(timers.c.run == run.id)).scalars()
    return int(run.row.undelivered) - sum(name[0] in "ns" for name in names)


def _least_recently_seen(run: RunTransaction) -> Any:
    """When that node run was seen that was seen least recently of those that are begun and not done."""
    nodes = run.tables.nodes
    query = sa.select(sa.func.min(nodes.c.seen_at)).where(*unfinished(run.tables, run.id))
    return run.connection.execute(query).scalar()


def unfinished(tables: Tables, flow_id: str) -> tuple[Any, ...]:
    """Conditions for node runs that are begun and not done."""
    nodes = tables.nodes
    return nodes.c.run == flow_id, nodes.c.seen_at > 0, ~nodes.c.done


def forget(connection: sa.Connection, tables: Tables, flow_id: str) -> None:
    """Remove everything there is of a run."""
    for table in tables.of_runs:
        connection.execute(table.delete().where(table.c.run == flow_id))
    connection.execute(tables.runs.delete().where(tables.runs.c.id == flow_id))
