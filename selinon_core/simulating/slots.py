"""Slots: what a worker does at once. An activity runs in a slot, gives way in the midst of it, and goes on later.

With ``greenlet`` (extra ``selinon[simulate]``) an activity is a greenlet. Without it each one has a thread, and a
baton goes round, so that only one of them runs: the same schedules, more slowly.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from selinon_core.simulating.faults import Crash


class Coroutine(Protocol):
    """A function that can give way."""

    def resume(self) -> None:
        """Let it go on until it gives way or returns; raises what it raises."""
        ...

    def give_way(self) -> None:
        """Called within it: return to the caller of ``resume``, until it is resumed again."""
        ...

    def kill(self) -> None:
        """End it where it gave way, with ``Crash``."""
        ...


class _Greenlet:
    def __init__(self, run: Callable[[], None], greenlet: Any) -> None:
        self._greenlet = greenlet.greenlet(run)
        self._greenlet.gr_context = contextvars.copy_context()
        self._get_current = greenlet.getcurrent

    def resume(self) -> None:
        self._greenlet.parent = self._get_current()
        self._greenlet.switch()

    def give_way(self) -> None:
        self._greenlet.parent.switch()

    def kill(self) -> None:
        self._greenlet.parent = self._get_current()
        with suppress(Crash):
            self._greenlet.throw(Crash)


class _Baton:
    def __init__(self, run: Callable[[], None]) -> None:
        self._run = run
        self._mine, self._theirs = threading.Semaphore(0), threading.Semaphore(0)
        self._thread: threading.Thread | None = None
        self._raised: BaseException | None = None
        self._is_killed = False
        self._context = contextvars.copy_context()

    def resume(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._begin, name="selinon-slot", daemon=True)
            self._thread.start()
        else:
            self._mine.release()
        self._theirs.acquire()
        if self._raised is not None:
            raised, self._raised = self._raised, None
            raise raised

    def _begin(self) -> None:
        try:
            self._context.run(self._run)
        except BaseException as error:
            self._raised = error
        self._theirs.release()

    def give_way(self) -> None:
        self._theirs.release()
        self._mine.acquire()
        if self._is_killed:
            raise Crash

    def kill(self) -> None:
        self._is_killed = True
        with suppress(Crash):
            self.resume()


def coroutines(with_threads: bool = False) -> Callable[[Callable[[], None]], Coroutine]:
    """How coroutines are made here: with ``greenlet`` if that is installed, unless threads are asked for."""
    if not with_threads:
        try:
            import greenlet
        except ImportError:
            pass
        else:
            return lambda run: _Greenlet(run, greenlet)
    return _Baton
