"""A cache of results that expire, so that many viewers of the same thing cost one request to the store."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class _Entry(Generic[T]):
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.made_at = float("-inf")
        self.value: T | None = None


class TimedCache(Generic[T]):
    """Keeps at most ``most`` answers for ``seconds`` each. Safe under threads; one of equal questions is asked."""

    def __init__(self, seconds: float, monotonic: Callable[[], float], most: int = 64) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._most = most
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, _Entry[T]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The answer to a question; ``make`` is called when none is kept. What it raises is not kept."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                entry = self._entries[key] = _Entry()
                while len(self._entries) > self._most:
                    self._entries.popitem(last=False)
            self._entries.move_to_end(key)
        with entry.lock:
            if entry.value is None or self._monotonic() - entry.made_at >= self._seconds:
                entry.value = make()
                entry.made_at = self._monotonic()
            return entry.value

    def clear(self) -> None:
        """Forget the answers; one that is being made is still given to those who wait for it."""
        with self._lock:
            self._entries.clear()
