"""The tasks that wait for signals, in the memory of one process; see ``Waits``."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence

from selinon_core.celery.stores.cursors import cut
from selinon_core.celery.stores.waits import WaitPage, WaitQuery, WaitRow, read_cursor


class MemoryWaits:
    """See ``Waits``. Shares the lock of its store."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._rows: dict[str, dict[int, WaitRow]] = {}

    def put(self, run: str, rows: Sequence[WaitRow]) -> None:
        """See ``Waits.put``."""
        with self._lock:
            there = self._rows.pop(run, {})
            if rows:
                self._rows[run] = {row.number: there.get(row.number, row) for row in rows}

    def find(self, query: WaitQuery, cursor: str | None = None, limit: int = 50) -> WaitPage:
        """See ``Waits.find``."""
        after = None if cursor is None else read_cursor(cursor)
        with self._lock:
            wanted = [row for rows in self._rows.values() for row in rows.values() if query.matches(row)]
        wanted.sort(key=lambda row: row.position)
        return WaitPage(*cut([row for row in wanted if after is None or row.position > after], limit))

    def count_by_flow(self) -> dict[str, int]:
        """See ``Waits.count_by_flow``."""
        with self._lock:
            return dict(Counter(row.flow for rows in self._rows.values() for row in rows.values()))
