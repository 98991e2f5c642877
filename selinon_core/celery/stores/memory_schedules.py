"""Schedules in the memory of one process; see ``Schedules``."""

from __future__ import annotations

import threading

from selinon_core.celery.stores.schedules import Pause, ScheduleRow


class MemorySchedules:
    """See ``Schedules``. Shares the lock of its store."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._rows: dict[tuple[str, str], ScheduleRow] = {}
        self._pauses: dict[str, Pause] = {}

    def rows(self) -> list[ScheduleRow]:
        """See ``Schedules.rows``."""
        with self._lock:
            return [self._rows[key] for key in sorted(self._rows)]

    def put(self, row: ScheduleRow) -> bool:
        """See ``Schedules.put``."""
        with self._lock:
            there = self._rows.get((row.name, row.rule))
            if row.version != (0 if there is None else there.version):
                return False
            self._rows[row.name, row.rule] = row._replace(version=row.version + 1)
            return True

    def forget(self, before: float) -> None:
        """See ``Schedules.forget``."""
        with self._lock:
            old = [key for key, row in self._rows.items() if row.absent is not None and row.absent < before]
            for key in old:
                del self._rows[key]

    def pauses(self) -> dict[str, Pause]:
        """See ``Schedules.pauses``."""
        with self._lock:
            return dict(self._pauses)

    def set_pause(self, name: str, pause: Pause) -> None:
        """See ``Schedules.set_pause``."""
        with self._lock:
            self._pauses[name] = pause
