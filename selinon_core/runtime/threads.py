"""Running attempts of real tasks at the side: in threads, with deadlines, some at once.

A thread cannot be stopped. An attempt that passes its deadline is therefore given up: it counts as failed, what it
may still return is dropped, and its thread, a daemon, does not keep the process alive. Whatever runs in the thread
can see that (``Ticket.given_up``) and leave alone what others see, such as the storage of its result.
"""

from __future__ import annotations

import itertools
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from selinon_core.errors import TaskTimeout
from selinon_core.runtime.error_codec import user_stack


class AttemptHandle:
    """One function that runs at the side.

    ``stop`` is called when it is given up, if anything can be stopped. ``awaited`` is the coroutine it waits for.
    """

    __slots__ = ("_ended", "_timeout", "awaited", "deadline", "given_up", "stop", "thread", "token")

    def __init__(self, token: Any, timeout: float | None, ended: queue.SimpleQueue[Any]) -> None:
        self.token = token
        self.given_up = False
        self.deadline: float | None = None
        self.stop: Callable[[], object] | None = None
        self.thread: int | None = None
        self.awaited: Any = None
        self._timeout = timeout
        self._ended = ended

    def wanted(self) -> bool:
        """Whether the driver still waits for it."""
        return not self.given_up

    def begin(self) -> None:
        """Let the time that it may take begin now."""
        if self._timeout is not None:
            self.deadline = time.monotonic() + self._timeout
            self._ended.put(None)  # the waiting thread has to look at the deadlines again

    def give_up(self) -> None:
        """Stop it, as far as that is possible, and ignore it from now on."""
        self.given_up = True
        stop = self.stop  # read once: another thread may take it away
        if stop is not None:
            stop()


_here = threading.local()


def current_ticket() -> AttemptHandle | None:
    """The ticket of the function that runs in this thread, None when it does not run at the side."""
    ticket: AttemptHandle | None = getattr(_here, "ticket", None)
    return ticket


class TimedOut(NamedTuple):
    """What ``ThreadRunner.wait`` returns for a function that passed its deadline; ``stack`` is where it was."""

    stack: str

    def error(self, text: str) -> TaskTimeout:
        """The error of it, which says where the function was: one that is raised here would not know."""
        error = TaskTimeout(text)
        if self.stack:
            error.remote_traceback = f"{self.stack}TaskTimeout: {error}"  # type: ignore[attr-defined]
        return error


#: Of a function that was not run: its time was over on a clock that jumps.
NOWHERE = TimedOut("")


class Raised(NamedTuple):
    """What a function raised instead of returning."""

    error: BaseException


class ThreadRunner:
    """Runs functions in threads of their own and reports what they return, in the order they end.

    Functions should return their errors: what they raise is raised by ``wait``. Deadlines are in real seconds.
    """

    def __init__(self) -> None:
        self._ended: queue.SimpleQueue[tuple[int, Any] | None] = queue.SimpleQueue()
        self._count = itertools.count()
        self._running: dict[int, AttemptHandle] = {}

    @property
    def running(self) -> int:
        """How many have neither ended nor been given up."""
        return len(self._running)

    def submit(self, token: Any, function: Callable[[AttemptHandle], Any], timeout: float | None) -> None:
        """Begin to run ``function``, which says ``begin`` when its time starts.

        ``token`` comes back with what it returns.
        """
        number = next(self._count)
        ticket = self._running[number] = AttemptHandle(token, timeout, self._ended)

        def work() -> None:
            _here.ticket = ticket
            ticket.thread = threading.get_ident()
            try:
                returned = function(ticket)
            except BaseException as error:  # else it would end in this thread, and the driver would wait for ever
                returned = Raised(error)
            self._ended.put((number, returned))

        threading.Thread(target=work, name=f"selinon-attempt-{number}", daemon=True).start()

    def wait(self, patience: float | None) -> tuple[Any, Any] | None:
        """Wait for one to end: its token and what it returned, or ``TimedOut``.

        None when nothing ended within ``patience`` real seconds (None: for ever). Raises what a function raised.
        """
        give_up_at = None if patience is None else time.monotonic() + patience
        while True:
            late = self._late()
            if late is not None:
                return late
            deadlines = [ticket.deadline for ticket in self._running.values() if ticket.deadline is not None]
            wake_at = min([*deadlines, *([] if give_up_at is None else [give_up_at])], default=None)
            try:
                pause = None if wake_at is None else max(0.0, wake_at - time.monotonic())
                ended = self._ended.get(timeout=pause)
            except queue.Empty:
                if give_up_at is not None and time.monotonic() >= give_up_at:
                    return None
                continue
            if ended is None or ended[0] not in self._running:  # the latter was given up
                continue
            ticket = self._running.pop(ended[0])
            if isinstance(ended[1], Raised):
                raise ended[1].error
            return ticket.token, ended[1]

    def close(self) -> None:
        """Give up whatever still runs."""
        for ticket in self._running.values():
            ticket.give_up()
        self._running.clear()

    def _late(self) -> tuple[Any, Any] | None:
        now = time.monotonic()
        for number, ticket in self._running.items():
            if ticket.deadline is not None and ticket.deadline <= now and self._ended.empty():
                del self._running[number]
                stack = _stack_of(ticket)
                ticket.give_up()
                return ticket.token, TimedOut(stack)
        return None


def _stack_of(ticket: AttemptHandle) -> str:
    """Where a function is, in the words of a traceback; '' when that cannot be seen."""
    frame = None if ticket.thread is None else sys._current_frames().get(ticket.thread)
    return "" if frame is None else user_stack(frame, ticket.awaited)
