"""Keeps the shutdown of a worker process from being recorded as a failure of the task that it interrupts.

Workers end processes of their pool by a signal (a soft shutdown whose time is over, a second Ctrl-C), and so do
supervisors that signal whole process groups. Celery's handler raises ``SystemExit`` wherever the process happens
to be, mostly in a task, where ``SystemExit`` means that the task failed. So the guard raises ``WorkerShutdown``
there, which passes through the task, and turns it into ``SystemExit`` again outside of the task. The message is
delivered again, to this worker or another one.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from selinon_core.runtime.error_codec import WorkerShutdown

_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGQUIT", "SIGHUP", "SIGINT") if hasattr(signal, name)]

#: Messages that the main thread handles now: 0 while Celery runs another app's task, or none.
_at_work = 0


@contextmanager
def shutdown_guard(give_back: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Handle a message in a process that may be shut down meanwhile; ``give_back()`` is called first then."""
    global _at_work
    if threading.current_thread() is not threading.main_thread():  # handlers run in the main thread only
        yield
        return
    for number in _SIGNALS:
        handler = signal.getsignal(number)
        if callable(handler) and not isinstance(handler, _Handler):
            signal.signal(number, _Handler(handler))
    _at_work += 1
    try:
        yield
    except WorkerShutdown as stopped:
        give_back()
        raise stopped.stop from None
    finally:
        _at_work -= 1


class _Handler:
    """Calls the previous handler; its ``SystemExit`` becomes ``WorkerShutdown`` while a message is handled."""

    def __init__(self, before: Callable[[int, FrameType | None], Any]) -> None:
        self._before = before

    def __call__(self, number: int, frame: FrameType | None) -> None:
        try:
            self._before(number, frame)
        except SystemExit as stop:
            if _at_work:
                raise WorkerShutdown(stop) from None
            raise
