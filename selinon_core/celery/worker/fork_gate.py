"""Keeps threads of a worker's main process out of network libraries while the process forks.

A forked process has no other threads, but the locks that they held: the lock of a connection pool stays locked in
the child, which hangs when it first uses the pool. Pools replace their processes at any time. So threads pass the
gate before they use the network, and a fork waits until none is behind it. That is about threads of the real
process, so its clock is the real one, too.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

#: Seconds that a fork waits for threads. A thread that waits longer for a silent server holds no lock meanwhile.
MOST = 1.0


class ForkGate:
    """Threads pass it together; a fork passes it alone. A thread that forks does not wait for itself."""

    def __init__(self, most: float = MOST) -> None:
        self._most = most
        self._open()

    def _open(self) -> None:
        self._condition = threading.Condition()
        #: Threads that passed, and since when.
        self._passed: dict[int, float] = {}
        self._closed = False

    @contextmanager
    def passed(self) -> Iterator[None]:
        """The calling thread may use the network meanwhile."""
        condition, thread = self._condition, threading.get_ident()
        with condition:
            condition.wait_for(lambda: not self._closed)
            self._passed[thread] = time.monotonic()
        try:
            yield
        finally:
            with condition:
                self._passed.pop(thread, None)
                condition.notify_all()

    def close(self) -> None:
        """This process is about to fork: no thread passes from now on, and those that did are waited for.

        The time counts from when a thread passed: one that waits for a silent server delays forks once, not each.
        """
        condition, me = self._condition, threading.get_ident()
        condition.acquire()
        condition.wait_for(lambda: not self._closed)
        self._closed = True
        while True:
            now = time.monotonic()
            left = [since + self._most - now for thread, since in self._passed.items() if thread != me]
            waiting = [seconds for seconds in left if seconds > 0]
            if not waiting:
                return
            condition.wait(min(waiting))

    def open_in_parent(self) -> None:
        """This process forked."""
        self._closed = False
        self._condition.notify_all()
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
