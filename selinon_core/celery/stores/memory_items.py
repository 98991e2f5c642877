"""Items in the memory of one process; see ``Items``."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from selinon_core.celery.stores.cursors import cut, read_cursor
from selinon_core.celery.stores.items import Item, ItemPage


class MemoryItems:
    """See ``Items``. Shares the lock of its store."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._items: dict[tuple[str, str], tuple[Item, float]] = {}

    def put(self, item: Item, expires: float, *, if_absent: bool = False) -> bool:
        """See ``Items.put``."""
        with self._lock:
            key = (item.kind, item.id)
            if if_absent and key in self._items:
                return False
            self._items[key] = (item, expires)
            return True

    def get(self, kind: str, id: str) -> Item | None:
        """See ``Items.get``."""
        with self._lock:
            found = self._items.get((kind, id))
            return None if found is None else found[0]

    def find(self, kind: str, cursor: str | None = None, limit: int = 50) -> ItemPage:
        """See ``Items.find``."""
        before = None if cursor is None else read_cursor(cursor)
        wanted = [item for item in self._of_kind(kind) if before is None or item.position < before]
        return ItemPage(*cut(wanted[::-1], limit))

    def of_run(self, kind: str, run: str) -> list[Item]:
        """See ``Items.of_run``."""
        return [item for item in self._of_kind(kind) if item.run == run]

    def count(self, kind: str) -> int:
        """See ``Items.count``."""
        return len(self._of_kind(kind))

    def claim(self, kind: str, now: float, until: float, limit: int) -> list[Item]:
        """See ``Items.claim``."""
        with self._lock:
            due = [item for item in self._of_kind(kind) if item.at <= now][:limit]
            for item in due:
                _, expires = self._items[kind, item.id]
                self._items[kind, item.id] = (item._replace(at=until), expires)
            return due

    def remove(self, kind: str, ids: Sequence[str]) -> list[str]:
        """See ``Items.remove``."""
        with self._lock:
            return [id for id in ids if self._items.pop((kind, id), None) is not None]

    def forget(self, runs: Sequence[str]) -> None:
        """See ``Items.forget``."""
        gone = set(runs)
        with self._lock:
            self._items = {key: kept for key, kept in self._items.items() if kept[0].run not in gone}

    def expired(self, now: float, limit: int) -> list[Item]:
        """See ``Items.expired``."""
        with self._lock:
            over = sorted((kept for kept in self._items.values() if kept[1] <= now), key=lambda kept: kept[1])
        return [item for item, _ in over[:limit]]

    def postpone(self, items: Sequence[Item], expires: float) -> None:
        """See ``Items.postpone``."""
        with self._lock:
            for item in items:
                there = self._items.get((item.kind, item.id))
                if there is not None:
                    self._items[item.kind, item.id] = (there[0], expires)

    def _of_kind(self, kind: str) -> list[Item]:
        with self._lock:
            found = [item for item, _ in self._items.values() if item.kind == kind]
        return sorted(found, key=lambda item: item.position)
