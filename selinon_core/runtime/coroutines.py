"""Results that have to be awaited: ``async def run`` of a task, on an event loop that its attempt has for itself.

The loop runs in the thread of the attempt, so a coroutine is under the same time-out, the same pool and the same
number of attempts at once as a plain method. An attempt that is given up is cancelled: unlike a thread, a
coroutine that waits can be stopped, and its ``finally`` blocks run.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextvars import copy_context
from types import CoroutineType
from typing import Any, Protocol


class Stoppable(Protocol):
    """What may end an attempt from outside: it calls ``stop`` when there is something to stop.

    ``awaited`` is the coroutine, to say where it waits.
    """

    stop: Callable[[], object] | None
    awaited: Any
    given_up: bool


def is_awaitable(value: Any) -> bool:
    """Whether a value stands for a result that is still to come."""
    return value.__class__ is CoroutineType or hasattr(value.__class__, "__await__")


def loop_is_running() -> bool:
    """Whether an event loop runs in this thread, so that no other one can."""
    events = sys.modules.get("asyncio.events")
    return events is not None and events._get_running_loop() is not None


def result_of(awaitable: Awaitable[Any], owners: Sequence[Stoppable] = ()) -> Any:
    """Run an awaitable to its end and return its result; while it runs, ``owners`` can stop it.

    Raises what it raises, ``asyncio.CancelledError`` when it was stopped.
    """
    import asyncio

    def run() -> Any:
        return asyncio.run(_until_stopped(awaitable, owners))

    # Greenlets of one thread cannot have an event loop each: asyncio keeps one for the thread.
    threads = _native_threads()
    if threads is not None:
        # What is raised in such a thread gevent prints, so it is handed over and raised here.
        result, error = threads(copy_context().run, (_outcome, run))
        if error is not None:
            raise error
        return result
    if loop_is_running():
        return in_thread(run)
    return run()


def in_thread(function: Callable[[], Any], interrupted: Callable[[], object] = lambda: None) -> Any:
    """Call a function in a thread of its own and wait for it: where an event loop occupies this thread.

    ``interrupted`` is called when the wait is interrupted; the thread does not keep the process alive.
    """
    returned: list[Any] = []
    raised: list[BaseException] = []

    def work() -> None:
        try:
            returned.append(function())
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=copy_context().run, args=(work,), name="selinon-run", daemon=True)
    thread.start()
    try:
        thread.join()
    except BaseException:
        interrupted()
        raise
    if raised:
        raise raised[0]
    return returned[0]


def _outcome(function: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    """What a function returns, or what it raises."""
    try:
        return function(), None
    except BaseException as error:
        return None, error


async def _until_stopped(awaitable: Awaitable[Any], owners: Sequence[Stoppable]) -> Any:
    import asyncio

    loop, task, thread = asyncio.get_running_loop(), asyncio.current_task(), threading.get_ident()
    assert task is not None

    def stop() -> bool:
        """Cancel it; False when that waits for its code, which runs in this very thread, to come to an await."""
        try:
            loop.call_soon_threadsafe(task.cancel)
        except RuntimeError:  # it has just ended, and the loop with it
            return True
        return thread != threading.get_ident() or asyncio.current_task(loop) is not task

    for owner in owners:
        owner.stop, owner.awaited = stop, awaitable
        if owner.given_up:
            stop()
    try:
        return await awaitable
    finally:
        for owner in owners:
            owner.stop = owner.awaited = None


def _native_threads() -> Callable[..., Any] | None:
    """How to call something in a thread of the operating system where threads are greenlets; None elsewhere."""
    monkey: Any = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("threading"):
        return None
    gevent: Any = sys.modules["gevent"]
    return gevent.get_hub().threadpool.apply  # type: ignore[no-any-return]
