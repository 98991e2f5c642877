"""Maintains index and audit, in the worker that leads the sweep: adds rows of older workers, deletes old rows.

Workers of before the index create and end runs without a row. The leader walks through the runs of the store, some
at a time, and writes what is missing. It goes on faster while it finds something.
"""

from __future__ import annotations

from selinon_core.celery.execution.index_changes import indexed_args
from selinon_core.celery.execution.log_codec import decode_batch
from selinon_core.celery.services import WorkerServices
from selinon_core.celery.stores.index import IndexRow, Unindexed, row_of_header
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.runtime.redaction import Redaction, redaction

#: Seconds between two looks at runs while nothing is missing, and runs that one look is about.
LOOK_EVERY = 5.0
RUNS_AT_ONCE = 200
#: Seconds between two removals of old rows, and rows that are removed at once.
TRIM_EVERY = 60.0
ROWS_AT_ONCE = 500
#: Seconds until an item is looked at again whose run is still there.
ITEMS_AGAIN = 3600.0


class IndexUpkeep:
    """Keeps the index of one store; used by one thread."""

    def __init__(self, services: WorkerServices) -> None:
        self._services = services
        self._cursor: str | None = None
        self._look_at = 0.0
        self._trim_at = 0.0

    def run_once(self, now: float) -> None:
        """Do what is due, at most one look and one removal; raises as the store does."""
        index = self._services.store.index
        if now >= self._look_at:
            self._look_at = now + LOOK_EVERY
            found, self._cursor = index.unindexed(self._cursor, RUNS_AT_ONCE)
            if found:
                hidden = redaction(self._services.plan.settings.redact)
                index.fill_in([_row(run, hidden) for run in found])
                self._look_at = now
        if now >= self._trim_at:
            self._trim_at = now + TRIM_EVERY
            before = now - self._services.settings.selinon_index_ttl
            removed = (
                index.trim(before, now, ROWS_AT_ONCE),
                self._services.store.audit.trim(before, ROWS_AT_ONCE),
            )
            if ROWS_AT_ONCE in (*removed, self._trim_items(now)):
                self._trim_at = now

    def _trim_items(self, now: float) -> int:
        """Remove items whose time is over; those of a run that is still there stay as long as the run does."""
        store = self._services.store
        over = store.items.expired(now, ROWS_AT_ONCE)
        there = store.existing([item.run for item in over if item.run]) if over else set()
        kept = [item for item in over if item.run in there]
        store.items.postpone(kept, now + ITEMS_AGAIN)
        for kind in {item.kind for item in over}:
            store.items.remove(kind, [item.id for item in over if item.kind == kind and item not in kept])
        return len(over)


def _row(run: Unindexed, hidden: Redaction) -> IndexRow:
    header = RunHeader.read(run.header)
    events = () if run.first_batch is None else decode_batch(run.first_batch).events
    args = events[0][1] if events and events[0][0] == "S" else None
    return row_of_header(run.id, header, indexed_args(hidden, args))
