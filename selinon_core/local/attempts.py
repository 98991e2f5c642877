"""Running attempts of real tasks at the side: in threads, with deadlines, some at once.

A thread cannot be stopped. An attempt that passes its deadline is therefore abandoned: it counts as failed, what
it may still return is dropped, and its thread, a daemon, does not keep the process alive.
"""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable
from typing import Any


class SideRunner:
    """Runs functions in threads of their own and reports what they return, in the order they end.

    ``result`` functions must not raise. Deadlines are in real seconds.
    """

    def __init__(self) -> None:
        self._ended: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        self._count = itertools.count()
        self._running: dict[int, tuple[Any, float | None]] = {}

    @property
    def running(self) -> int:
        """How many have neither ended nor been given up."""
        return len(self._running)

    def submit(self, token: Any, function: Callable[[], Any], timeout: float | None) -> None:
        """Begin to run ``function``; ``token`` comes back with what it returns."""
        number = next(self._count)
        self._running[number] = (token, None if timeout is None else time.monotonic() + timeout)
        thread = threading.Thread(
            target=lambda: self._ended.put((number, function())), name=f"selinon-attempt-{number}", daemon=True
        )
        thread.start()

    def wait(self, patience: float | None) -> tuple[Any, Any] | None:
        """Wait for one to end: its token and what it returned, or ``TIMED_OUT``.

        None when nothing ended within ``patience`` real seconds (None: for ever).
        """
        give_up_at = None if patience is None else time.monotonic() + patience
        while True:
            late = self._late()
            if late is not None:
                return late
            deadlines = [deadline for _, deadline in self._running.values() if deadline is not None]
            wake_at = min([*deadlines, *([] if give_up_at is None else [give_up_at])], default=None)
            try:
                pause = None if wake_at is None else max(0.0, wake_at - time.monotonic())
                number, returned = self._ended.get(timeout=pause)
            except queue.Empty:
                if give_up_at is not None and time.monotonic() >= give_up_at:
                    return None
                continue
            if number in self._running:  # else it was given up
                return self._running.pop(number)[0], returned

    def _late(self) -> tuple[Any, Any] | None:
        now = time.monotonic()
        for number, (token, deadline) in self._running.items():
            if deadline is not None and deadline <= now and self._ended.empty():
                del self._running[number]
                return token, TIMED_OUT
        return None


#: What ``SideRunner.wait`` returns for a function that passed its deadline.
TIMED_OUT = object()
