"""``async def run``: awaited in its attempt, in whatever thread and process that runs, and stopped with it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from selinon_core.celery.worker.task_timeout import run_with_deadline
from selinon_core.errors import FatalTaskError, Retry, TaskTimeout
from selinon_core.plan import TaskPlan
from selinon_core.runtime.coroutines import in_thread, loop_is_running, result_of
from selinon_core.runtime.deadline import Deadline
from selinon_core.runtime.task_runner import Assignment, Attempt, Failed, RetryLater, Succeeded, TaskRunner
from tests.local.trying import build

ASSIGNMENT = Assignment("f", "id", "flow id", {"n": 1}, {}, {}, 1, 0)


class Running:
    """A task runner whose only task does what the test says."""

    def __init__(self, behaviour: Callable[[Any], Any], **task: Any) -> None:
        plan = build({"f": "-> A"}, tasks={"A": {"storage": None, **task}})
        self.task: TaskPlan = plan.tasks["A"]
        self.stored: list[Any] = []

        class Task:
            def __init__(self, **about: Any) -> None:
                pass

            def run(self, node_args: Any) -> Any:
                return behaviour(node_args)

        class Imports:
            def task_class(self, ref: Any) -> Any:
                return Task

        self.runner = TaskRunner(Imports(), None, None, lambda task, result: None)  # type: ignore[arg-type]

    def run(self, **more: Any) -> Attempt:
        return self.runner.run(self.task, ASSIGNMENT, **more)

    def run_with_deadline(self, seconds: float) -> Attempt:
        """As workers do."""
        return run_with_deadline(
            lambda wanted, deadline: self.run(wanted=wanted, deadline=deadline),
            seconds,
            "too long",
            lambda error: self.runner.judge(self.task, ASSIGNMENT, error),
        )


async def adds(args: Any) -> Any:
    await asyncio.sleep(0)
    return args["n"] + 1


class LaterResult:
    def __await__(self) -> Any:
        yield from asyncio.sleep(0).__await__()
        return 2


async def retries(args: Any) -> Any:
    raise Retry(5)


async def fails(args: Any) -> Any:
    raise FatalTaskError("no")


@pytest.mark.parametrize("behaviour", [adds, lambda args: adds(args), lambda args: LaterResult()])
def test_what_is_awaited_is_the_result(behaviour: Callable[[Any], Any]) -> None:
    assert Running(behaviour).run() == Succeeded(2, False)
    assert in_thread(Running(behaviour).run) == Succeeded(2, False)


def test_what_it_raises_is_judged_as_ever() -> None:
    assert Running(retries).run() == RetryLater(5, None)
    failed = Running(fails).run()
    assert isinstance(failed, Failed)
    assert str(failed.error) == "no"


def test_in_a_running_loop_it_has_a_loop_of_its_own() -> None:
    async def outer() -> Attempt:
        assert loop_is_running()
        return Running(adds).run()

    assert not loop_is_running()
    assert asyncio.run(outer()) == Succeeded(2, False)


def waiting(log: list[str]) -> Callable[[Any], Any]:
    async def wait(args: Any) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            log.append("cleaned up")

    return wait


@pytest.mark.parametrize("in_main_thread", [True, False])
def test_a_time_out_cancels_what_waits(in_main_thread: bool) -> None:
    log: list[str] = []
    running = Running(waiting(log), timeout=600)
    run = lambda: running.run_with_deadline(0.05)  # noqa: E731
    attempt = run() if in_main_thread else in_thread(run)
    assert isinstance(attempt, Failed)
    assert isinstance(attempt.error, TaskTimeout)
    for _ in range(1000):
        if log:
            break
        time.sleep(0.01)
    assert log == ["cleaned up"]


def test_a_deadline_that_rings_cancels_what_waits_and_interrupts_what_works() -> None:
    ready, log = threading.Event(), list[str]()

    async def wait(args: Any) -> Any:
        try:
            ready.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            log.append("cancelled")
            raise

    deadline = Deadline(600, "too long")

    def ring() -> None:
        ready.wait(60)
        deadline.ring()

    bell = threading.Thread(target=ring)
    bell.start()
    attempt = Running(wait, timeout=600).run(deadline=deadline)
    bell.join()
    assert isinstance(attempt, Failed)
    assert isinstance(attempt.error, TaskTimeout)
    assert log == ["cancelled"]

    rung = Deadline(600, "too long")

    async def works(args: Any) -> Any:
        rung.ring()  # as an alarm does, in the midst of the task's own code
        log.append("went on")

    attempt = Running(works, timeout=600).run(deadline=rung)
    assert isinstance(attempt, Failed)
    assert log == ["cancelled"]


def swallowing(deadline: Deadline) -> list[Callable[[Any], Any]]:
    def plain(args: Any) -> Any:
        try:
            deadline.ring()
        except Exception:
            return "went on"

    def returns(args: Any) -> Any:
        try:
            deadline.ring()
        finally:
            return "went on"  # noqa: B012

    def raises(args: Any) -> Any:
        try:
            deadline.ring()
        except Exception:
            raise ValueError("something else") from None

    async def coroutine(args: Any) -> Any:
        deadline.ring()
        return "went on"

    async def shielded(args: Any) -> Any:
        deadline.stop = None
        try:
            deadline.ring()
        except TaskTimeout:
            return "went on"

    return [plain, returns, raises, coroutine, shielded]


@pytest.mark.parametrize("way", range(5))
def test_a_time_out_that_the_task_swallows_is_a_time_out(way: int) -> None:
    deadline = Deadline(600, "too long")
    attempt = Running(swallowing(deadline)[way], timeout=600).run(deadline=deadline)
    assert isinstance(attempt, Failed)
    assert isinstance(attempt.error, TaskTimeout)


@pytest.mark.parametrize("in_main_thread", [True, False])
def test_a_time_out_that_is_swallowed_at_once_is_a_time_out(in_main_thread: bool) -> None:
    def swallows(args: Any) -> Any:
        try:
            threading.Event().wait(60 if in_main_thread else 0.1)
        except Exception:
            return "went on"

    for _ in range(5):
        running = Running(swallows, timeout=600)
        run = lambda: running.run_with_deadline(0.02)  # noqa: B023, E731
        attempt = run() if in_main_thread else in_thread(run)
        assert isinstance(attempt, Failed)
        assert isinstance(attempt.error, TaskTimeout)
        if not in_main_thread:
            assert "in swallows" in attempt.error.remote_traceback  # type: ignore[attr-defined]


def test_without_an_alarm_the_clock_counts() -> None:
    now = [0.0]

    def slow(args: Any) -> Any:
        now[0] += 2.5
        return "too late"

    attempt = Running(slow, timeout=2).run(deadline=Deadline(2, "too long", lambda: now[0]))
    assert isinstance(attempt, Failed)
    assert isinstance(attempt.error, TaskTimeout)
    assert Running(slow, timeout=3).run(deadline=Deadline(3, "", lambda: now[0])) == Succeeded("too late", False)


def test_a_result_that_comes_too_late_is_not_stored() -> None:
    running = Running(lambda args: time.sleep(0.02), timeout=0.01)
    attempt = running.run()
    assert isinstance(attempt, Failed)
    assert str(attempt.error) == "attempt 1 of A ran longer than 0.01 s"


GEVENT = """
from gevent import monkey
monkey.patch_all()
import asyncio, gevent
from selinon_core.runtime.coroutines import result_of

async def work(n):
    await asyncio.sleep(0.05)
    return n

class Owner:
    stop = None
    given_up = False

async def hangs():
    await asyncio.Event().wait()

owner = Owner()
jobs = [gevent.spawn(lambda n=n: result_of(work(n))) for n in range(4)]
hanging = gevent.spawn(lambda: result_of(hangs(), [owner]))
gevent.joinall(jobs)
owner.stop()
try:
    hanging.get()
except asyncio.CancelledError:
    print([job.value for job in jobs], "cancelled")
"""


def test_greenlets_await_side_by_side() -> None:
    pytest.importorskip("gevent")
    done = subprocess.run([sys.executable, "-c", GEVENT], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "[0, 1, 2, 3] cancelled\n", done.stderr
    assert "threadpool.py" not in done.stderr  # gevent prints what is raised in its native threads


def test_a_result_may_be_awaited_by_itself() -> None:
    assert result_of(adds({"n": 1})) == 2
