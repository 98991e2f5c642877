"""The audit in the memory of one process; see ``Audit``."""

from __future__ import annotations

import threading

from selinon_core.celery.stores.audit import MOST_ENTRIES, AuditEntry, AuditPage
from selinon_core.celery.stores.cursors import cut, read_cursor


class MemoryAudit:
    """See ``Audit``. Shares the lock of its store."""

    def __init__(self, lock: threading.RLock, most: int = MOST_ENTRIES) -> None:
        self._lock = lock
        self._most = most
        self._entries: dict[str, AuditEntry] = {}

    def write(self, entry: AuditEntry) -> None:
        """See ``Audit.write``."""
        with self._lock:
            self._entries[entry.id] = entry
            self._forget_oldest(len(self._entries) - self._most)

    def read(self, run: str | None = None, cursor: str | None = None, limit: int = 50) -> AuditPage:
        """See ``Audit.read``."""
        before = None if cursor is None else read_cursor(cursor)
        with self._lock:
            found = [entry for entry in self._entries.values() if run is None or entry.run == run]
        found.sort(key=lambda entry: entry.position, reverse=True)
        return AuditPage(*cut([entry for entry in found if before is None or entry.position < before], limit))

    def trim(self, before: float, limit: int) -> int:
        """See ``Audit.trim``."""
        with self._lock:
            old = sum(entry.at < before for entry in self._entries.values())
            return self._forget_oldest(min(old, limit))

    def _forget_oldest(self, number: int) -> int:
        if number <= 0:
            return 0
        for _, id in sorted(entry.position for entry in self._entries.values())[:number]:
            del self._entries[id]
        return number
