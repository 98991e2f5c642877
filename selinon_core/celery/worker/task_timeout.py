"""Ends an attempt at its task's time-out.

In the main thread of a process (prefork, solo) an alarm raises ``TaskTimeout`` inside the task (a coroutine is
cancelled), and an attempt that returns later has failed, even if the task caught the error. A task that does
not stop is killed by Celery's hard time limit a few seconds later (prefork). Elsewhere (threads, gevent) the
attempt runs in a thread of its own and is abandoned: it counts as failed, and its result is dropped.

The alarm interrupts user code of the real process, so the time is the real one, not that of ``Surroundings``.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType

from selinon_core.errors import TaskTimeout
from selinon_core.runtime.deadline import Deadline
from selinon_core.runtime.task_runner import Attempt
from selinon_core.runtime.threads import AttemptHandle, ThreadRunner, TimedOut

#: Runs the attempt. Its arguments say whether its result is still awaited, and its deadline if there is one.
_Run = Callable[[Callable[[], bool] | None, Deadline | None], Attempt]


def run_with_deadline(
    attempt: _Run, timeout: float, text: str, late: Callable[[BaseException], Attempt]
) -> Attempt:
    """Run an attempt for at most ``timeout`` seconds; ``late(error)`` judges one that was abandoned."""
    if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
        return _interrupted(attempt, timeout, text, late)
    side = ThreadRunner()

    def begin(handle: AttemptHandle) -> Attempt:
        handle.begin()
        return attempt(handle.wanted, None)

    side.submit(None, begin, timeout)
    ended = side.wait(None)
    assert ended is not None
    if isinstance(ended[1], TimedOut):
        return late(ended[1].error(text))
    result: Attempt = ended[1]
    return result


def _interrupted(attempt: _Run, timeout: float, text: str, late: Callable[[BaseException], Attempt]) -> Attempt:
    deadline = Deadline(timeout, text)

    def alarm(number: int, frame: FrameType | None) -> None:
        deadline.ring()

    previous = signal.signal(signal.SIGALRM, alarm)
    try:
        signal.setitimer(signal.ITIMER_REAL, timeout)
        try:
            return attempt(None, deadline)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except TaskTimeout as error:  # it rang just outside of the task
        return late(error)
    finally:
        signal.signal(signal.SIGALRM, previous)
