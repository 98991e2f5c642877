"""``Store.claim_due_runs`` in a SQL database: the query of the sweep."""

from __future__ import annotations

import sqlalchemy as sa

from selinon_core.celery.stores import delivery_rules as rules
from selinon_core.celery.stores.index import OPEN
from selinon_core.celery.stores.outbox_keys import DEADLINE
from selinon_core.celery.stores.protocol import Due
from selinon_core.celery.stores.sql.locked_run import RunTransaction
from selinon_core.celery.stores.sql.tables import Tables


def due_runs(connection: sa.Connection, tables: Tables, now: float, limit: int) -> tuple[list[str], list[str]]:
    """Runs that are due, and runs that expired."""
    runs = tables.runs
    due = sa.select(runs.c.id).where(runs.c.due <= now).order_by(runs.c.due).limit(limit)
    old = sa.select(runs.c.id).where(runs.c.expires <= now).limit(limit)
    return list(connection.execute(due).scalars()), list(connection.execute(old).scalars())


def look_at(run: RunTransaction, limits: rules.Limits) -> Due | None:
    """The wake-up of a due run, if it needs one; sets its next time in the due index."""
    row = run.row
    if row is None or row.due is None or row.due > limits.now:
        return None
    paused = row.status == "running" and rules.is_paused(row.inbox_threshold)
    found = run.look(counted=True, timers=DEADLINE if paused else "%")
    facts = run.facts(found)
    look = rules.look_at(rules.while_paused(facts, found.timer) if paused else facts, limits)
    changes = look._asdict()
    reason = changes.pop("reason")
    run.change(**changes)
    return None if reason is None else Due(run.id, row.flow, row.queue, reason)


def forget_ended(connection: sa.Connection, tables: Tables, flow_id: str) -> bool:
    """Remove a run that has ended, and its row in the index; whether there was one."""
    runs, index, labels = tables.runs, tables.index, tables.labels
    # Locked, so that a retry that comes meanwhile finds nothing, or keeps the run.
    state = connection.execute(sa.select(runs.c.status).where(runs.c.id == flow_id).with_for_update()).scalar()
    if state is None:
        state = connection.execute(sa.select(index.c.status).where(index.c.id == flow_id)).scalar()
    if state is None or state in OPEN:
        return False
    forget(connection, tables, flow_id)
    connection.execute(labels.delete().where(labels.c.run == flow_id))
    connection.execute(index.delete().where(index.c.id == flow_id))
    return True


def forget(connection: sa.Connection, tables: Tables, flow_id: str) -> None:
    """Remove everything there is of a run."""
    for table in tables.of_runs:
        connection.execute(table.delete().where(table.c.run == flow_id))
    connection.execute(tables.runs.delete().where(tables.runs.c.id == flow_id))
