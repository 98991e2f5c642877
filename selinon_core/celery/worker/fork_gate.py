"""Keeps threads of a worker's main process out of network libraries while the process forks.

A forked process has no other threads, but the locks that they held: the lock of a connection pool stays locked in
the child, which hangs when it first uses the pool. Pools replace their processes at any time. So threads pass the
gate before they use the network, and a fork waits until none is behind it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

#: Seconds that a fork waits for threads. A thread that waits longer for a silent server holds no lock meanwhile.
MOST = 1.0


class ForkGate:
    """Threads pass it together; a fork passes it alone."""

    def __init__(self, most: float = MOST) -> None:
        self._most = most
        self._open()

    def _open(self) -> None:
        self._condition = threading.Condition()
        self._passed = 0
        self._held = False

    @contextmanager
    def passed(self) -> Iterator[None]:
        """The calling thread may use the network meanwhile."""
        condition = self._condition
        with condition:
            self._passed += 1
        try:
            yield
        finally:
            with condition:
                self._passed -= 1
                condition.notify_all()

    def close(self) -> None:
        """This process is about to fork: no thread passes from now on, and those that did are waited for."""
        if self._condition.acquire(timeout=self._most):
            self._held = True
            self._condition.wait_for(lambda: not self._passed, self._most)

    def open_in_parent(self) -> None:
        """This process forked."""
        if self._held:
            self._held = False
            self._condition.release()

    def open_in_child(self) -> None:
        """This process was forked: it has none of the threads."""
        self._open()


@cache
def fork_gate() -> ForkGate:
    """The gate of this process, through which all its forks go from the first call on."""
    gate = ForkGate()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=gate.close, after_in_parent=gate.open_in_parent, after_in_child=gate.open_in_child
        )
    return gate
