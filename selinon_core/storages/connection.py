"""A connection that is opened on first use, once per process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

C = TypeVar("C")

# Connections of parent processes, kept for as long as this process lives: several drivers say good-bye to the
# server when their connection is collected.
_inherited: list[Any] = []


class PerProcess(Generic[C]):
    """Holds the value that ``open_`` returns and gives it to every thread of this process.

    After a fork the child opens its own: a database connection used by two processes returns one's answers to
    the other. The child neither uses nor closes the inherited connection, nor leaves it to the garbage collector,
    even when this object is collected: each of these may speak to the server in the parent's name.
    """

    def __init__(self, open_: Callable[[], C], close: Callable[[C], None]) -> None:
        self._open = open_
        self._close = close
        self._current: tuple[int, C] | None = None
        # By process id: a lock that another thread held while this process was forked would never be free.
        self._locks: dict[int, threading.Lock] = {}

    def get(self) -> C:
        """Return the connection, opened if need be; raises the error of opening; the next call tries again."""
        current, pid = self._current, os.getpid()
        if current is not None and current[0] == pid:
            return current[1]
        with self._lock(pid):
            current = self._current
            if current is None or current[0] != pid:
                self._forget_inherited(pid)
                current = self._current = (pid, self._open())
            return current[1]

    def put(self, connection: C | None) -> None:
        """Take a connection that was made elsewhere, or none, in place of the present one, which stays open."""
        pid = os.getpid()
        with self._lock(pid):
            self._forget_inherited(pid)
            self._current = None if connection is None else (pid, connection)

    @property
    def is_open(self) -> bool:
        """Return whether this process has opened it."""
        current = self._current
        return current is not None and current[0] == os.getpid()

    def close(self) -> None:
        """Close it if this process has opened it."""
        pid = os.getpid()
        with self._lock(pid):
            self._forget_inherited(pid)
            current, self._current = self._current, None
            if current is not None:
                self._close(current[1])

    def _lock(self, pid: int) -> threading.Lock:
        return self._locks.setdefault(pid, threading.Lock())

    def _forget_inherited(self, pid: int) -> None:
        if self._current is not None and self._current[0] != pid:
            _inherited.append(self._current[1])
            self._current = None

    def __del__(self) -> None:
        """Keep an inherited connection open, as ``_forget_inherited`` does."""
        self._forget_inherited(os.getpid())
