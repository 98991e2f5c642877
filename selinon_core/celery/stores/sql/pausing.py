"""``Store.pause`` in a SQL database."""

from __future__ import annotations

import json

from selinon_core.celery.stores import delivery_rules as rules
from selinon_core.celery.stores.index import IndexChange
from selinon_core.celery.stores.outbox_keys import DEADLINE
from selinon_core.celery.stores.protocol import ENDED, GONE, OUT_OF_REACH, PAUSED, STALE
from selinon_core.celery.stores.sql import index
from selinon_core.celery.stores.sql.locked_run import RunTransaction


def pause(run: RunTransaction, number: int, format: int, change: IndexChange | None, now: float) -> str:
    """Pause a run whose row is locked."""
    row = run.row
    if row is None:
        return GONE
    if row.status != "running":
        return ENDED
    fields = json.loads(row.fields)
    known = int(fields.get("paused") or 0)
    if known >= number:
        return PAUSED if known == number else STALE
    fields |= {"paused": str(number), "format": str(max(format, int(fields.get("format") or 1)))}
    run.change(token=row.token + 1, lease=0.0, inbox_threshold=OUT_OF_REACH, fields=json.dumps(fields))
    if change is not None:
        index.apply(run.changes, run.tables, run.id, change, now)
    look = run.look(timers=DEADLINE)
    facts = run.facts(look, {"lease": 0.0, "inbox_threshold": OUT_OF_REACH})
    run.change(due=rules.due_after_pause(rules.while_paused(facts, look.timer), now))
    return PAUSED
