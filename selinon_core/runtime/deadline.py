"""How long an attempt may take, and whether that time is over: read by the code that decides its outcome.

An error that a signal raises inside a task can be lost: in ``except Exception``, in ``finally: return``, in a
callback of an event loop, or because the task has an alarm of its own. So it is not the error that counts but the
clock: an attempt that comes back after its deadline has failed, whatever it returns.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from selinon_core.errors import TaskTimeout


class Deadline:
    """The deadline of one attempt: it begins now and is ``seconds`` away; ``text`` is that of the error.

    ``ring`` is for callers with an alarm. ``stop`` ends what can be stopped in a better way than by an error.
    """

    __slots__ = ("_at", "_clock", "_rang", "awaited", "given_up", "stop", "text")

    def __init__(self, seconds: float, text: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at = clock() + seconds
        self._rang = False
        self.text = text
        self.stop: Callable[[], object] | None = None
        self.awaited: Any = None
        self.given_up = False

    def passed(self) -> bool:
        """Whether the time is over."""
        return self._rang or self._clock() >= self._at

    def check(self) -> None:
        """Raise ``TaskTimeout`` when the time is over."""
        if self.passed():
            raise self.error()

    def error(self) -> TaskTimeout:
        """The error of an attempt that took longer."""
        return TaskTimeout(self.text)

    def ring(self) -> None:
        """End the attempt: raise ``TaskTimeout`` here, in the middle of it, or stop what waits."""
        self._rang = self.given_up = True
        stop = self.stop
        if stop is None or not stop():
            raise self.error()
