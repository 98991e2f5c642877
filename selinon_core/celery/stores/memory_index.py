"""The index of runs in the memory of one process; see ``Index``."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from selinon_core.celery.stores.cursors import cut, read_cursor
from selinon_core.celery.stores.index import (
    OPEN,
    IndexChange,
    IndexRow,
    Page,
    Progress,
    RunQuery,
    Unindexed,
)

if TYPE_CHECKING:
    from selinon_core.celery.stores.memory_run import MemoryRun


class MemoryIndex:
    """See ``Index``. Shares the lock and the runs of its store."""

    def __init__(self, lock: threading.RLock, runs: Mapping[str, MemoryRun]) -> None:
        self._lock = lock
        self._runs = runs
        self._rows: dict[str, IndexRow] = {}

    def apply(self, id: str, change: IndexChange, now: float) -> None:
        """Make the changes of a commit."""
        row = change.row or self._rows.get(id)
        if row is not None:
            columns: dict[str, Any] = {**change.columns, "changed": now}
            self._rows[id] = row._replace(**columns)

    def find(self, query: RunQuery, cursor: str | None = None, limit: int = 50) -> Page:
        """See ``Index.find``."""
        before = None if cursor is None else read_cursor(cursor)
        with self._lock:
            wanted = [row for row in self._rows.values() if query.matches(row)]
        rows = sorted(wanted, key=lambda row: row.position, reverse=True)
        if before is not None:
            rows = [row for row in rows if row.position < before]
        return Page(*cut(rows, limit))

    def count(self, query: RunQuery) -> int:
        """See ``Index.count``."""
        with self._lock:
            return sum(query.matches(row) for row in self._rows.values())

    def get(self, id: str) -> IndexRow | None:
        """See ``Index.get``."""
        return self._rows.get(id)

    def by_prefix(self, text: str, limit: int) -> list[str]:
        """See ``Index.by_prefix``."""
        with self._lock:
            return sorted(id for id in self._rows if id.startswith(text))[:limit]

    def changed_since(self, at: float, limit: int, after: str = "") -> list[IndexRow]:
        """See ``Index.changed_since``."""
        with self._lock:
            rows = [row for row in self._rows.values() if (row.changed, row.id) > (at, after)]
        return sorted(rows, key=lambda row: (row.changed, row.id))[:limit]

    def progress(self, ids: Sequence[str]) -> dict[str, Progress]:
        """See ``Index.progress``."""
        with self._lock:
            nodes = {id: self._runs[id].nodes.values() for id in ids if id in self._runs}
            return {id: Progress(len(found), sum(node.done for node in found)) for id, found in nodes.items()}

    def unindexed(self, cursor: str | None, limit: int) -> tuple[list[Unindexed], str | None]:
        """See ``Index.unindexed``."""
        with self._lock:
            ids = sorted(id for id in self._runs if cursor is None or id > cursor)[:limit]
            found = [
                Unindexed(id, self._runs[id].full_header(), next(iter(self._runs[id].log), None))
                for id in ids
                if "caller" not in self._runs[id].header and self._is_wrong(id)
            ]
        return found, ids[-1] if len(ids) == limit else None

    def _is_wrong(self, id: str) -> bool:
        row, run = self._rows.get(id), self._runs[id]
        if row is None:
            return True
        return not row.is_open if run.running else row.status != run.header["status"]

    def fill_in(self, rows: Sequence[IndexRow]) -> None:
        """See ``Index.fill_in``."""
        with self._lock:
            for row in rows:
                there = self._rows.get(row.id)
                if there is None:
                    self._rows[row.id] = row
                else:
                    same = {name: getattr(row, name) for name in ("status", "ended", "reason", "changed")}
                    self._rows[row.id] = there._replace(**same)

    def forget(self, id: str) -> None:
        """Remove a row."""
        self._rows.pop(id, None)

    def trim(self, before: float, now: float, limit: int) -> int:
        """See ``Index.trim``."""
        with self._lock:
            old = sorted((row.changed, row.id) for row in self._rows.values() if row.changed < before)[:limit]
            for _, id in old:
                if self._rows[id].status in OPEN and id in self._runs:
                    self._rows[id] = self._rows[id]._replace(changed=now)
                else:
                    del self._rows[id]
        return len(old)
