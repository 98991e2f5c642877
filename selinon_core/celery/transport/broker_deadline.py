"""Runs a request to the broker with a deadline, whatever the broker does.

A broker may accept a connection and say nothing: a half-open connection, a frozen server, RabbitMQ under a memory
or disk alarm. Its clients have time-outs for some of these cases only, so the request is made in another thread.

The threads are kept for the next request: to hand it over takes 15 us, to start a thread for it took 100 us.
"""

from __future__ import annotations

import os
import queue
import threading
from collections import deque
from collections.abc import Callable

from selinon_core.celery.surroundings import REAL, Surroundings

#: Threads that wait for the next request. A caller's threads that ask at once use more; those end behind it.
MOST_IDLE = 4


class _Request:
    """An action, and how it ended: ``done`` can be acquired when it has, ``error`` is what it raised."""

    __slots__ = ("_action", "done", "error")

    def __init__(self, action: Callable[[], None]) -> None:
        self._action = action
        self.done = threading.Lock()  # looked up now: gevent and eventlet may have replaced it
        self.done.acquire()
        self.error: BaseException | None = None

    def make(self) -> None:
        try:
            self._action()
        except BaseException as error:  # it is the caller's
            self.error = error


_Todo = queue.SimpleQueue[_Request]


class RequestThreads:
    """Makes requests in threads of its own; safe to call from any thread, and in a process that was forked."""

    def __init__(self, surroundings: Surroundings = REAL) -> None:
        self._surroundings = surroundings
        self._idle: deque[_Todo] = deque()
        self._process = 0

    def within(self, seconds: float, action: Callable[[], None], what: str) -> None:
        """See ``within``."""
        request = _Request(action)
        self._waiting_thread().put(request)
        if not request.done.acquire(timeout=max(seconds, 0)):
            raise TimeoutError(f"the broker did not take {what} within {seconds:g} s; it may still take it later")
        if request.error is not None:
            raise request.error

    def _waiting_thread(self) -> _Todo:
        """The queue of a thread that waits for a request."""
        if self._process != os.getpid():  # threads do not survive a fork
            self._idle = deque()
            self._process = os.getpid()
        try:
            return self._idle.pop()
        except IndexError:
            todo: _Todo = queue.SimpleQueue()
            self._surroundings.start_thread("selinon-request", lambda: self._serve(todo))
            return todo

    def _serve(self, todo: _Todo) -> None:
        is_kept = True
        while is_kept:
            request = todo.get()
            request.make()
            is_kept = len(self._idle) < MOST_IDLE
            if is_kept:
                self._idle.append(todo)  # first, so that the caller's next request finds this thread
            request.done.release()
            del request  # its message is not kept


_THREADS = RequestThreads()


def within(seconds: float | None, action: Callable[[], None], what: str) -> None:
    """Do something for at most so many seconds (None: without a limit); raises what it raises.

    Raises ``TimeoutError`` after that. The action goes on unheard then: the broker may still do what it was asked.
    """
    if seconds is None:
        action()
    else:
        _THREADS.within(seconds, action, what)
