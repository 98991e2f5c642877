"""A task whose time is over has failed, whatever it makes of the error it gets, in every kind of pool."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from selinon_core.celery.worker.task_timeout import run_with_deadline
from selinon_core.errors import TaskTimeout
from selinon_core.plan import Plan
from selinon_core.project import compile_data
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.storages import Storages
from selinon_core.runtime.task_runner import Assignment, Attempt, Failed, Succeeded, TaskRunner

SHORT = 0.05


def forever() -> None:
    """Wait for longer than the task may take."""
    until = time.monotonic() + 4 * SHORT
    while time.monotonic() < until:
        time.sleep(SHORT / 10)


def swallows() -> str:
    with contextlib.suppress(Exception):
        forever()
    return "done"


def returns_at_last() -> str:
    try:
        forever()
    finally:
        return "done"  # noqa: B012


def takes_the_alarm() -> str:
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, SHORT / 5)
    forever()
    return "done"


def switches_it_off() -> str:
    signal.setitimer(signal.ITIMER_REAL, 0)
    forever()
    return "done"


def raises_something_else() -> str:
    try:
        forever()
    except TaskTimeout:
        raise ValueError("mine") from None
    return "done"


def is_quick() -> str:
    return "done"


def attempted(function: Callable[[], str], timeout: float) -> Attempt:
    data: Any = {
        "tasks": [{"name": "T", "import": __name__, "classname": "T", "max_retry": 0}],
        "flow-definitions": [{"name": "f", "edges": [{"from": None, "to": "T"}]}],
    }
    plan = compile_data(data).plan
    assert isinstance(plan, Plan)
    task = plan.tasks["T"]._replace(timeout=timeout)
    imports = Imports(())
    runner = TaskRunner(imports, Storages(plan, imports, lambda *_: None), None, lambda *_: None)  # type: ignore[arg-type]
    runner._instance = lambda *_: type("T", (), {"run": lambda self, node_args: function()})()  # type: ignore[method-assign, assignment]
    assignment = Assignment("f", "id", "run", None, {}, {}, 1, 0)
    return run_with_deadline(
        lambda wanted, deadline: runner.run(task, assignment, wanted, deadline),
        timeout,
        "too long",
        lambda error: runner.judge(task, assignment, error),
    )


FUNCTIONS = [swallows, returns_at_last, takes_the_alarm, switches_it_off, raises_something_else]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_in_the_main_thread(function: Callable[[], str]) -> None:
    before = signal.getsignal(signal.SIGALRM)
    attempt = attempted(function, SHORT)
    assert isinstance(attempt, Failed)
    assert isinstance(attempt.error, TaskTimeout)
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.mark.parametrize("function", [swallows, returns_at_last, raises_something_else])
def test_in_a_thread(function: Callable[[], str]) -> None:
    found: list[Attempt] = []
    thread = threading.Thread(target=lambda: found.append(attempted(function, SHORT)))
    thread.start()
    thread.join()
    (attempt,) = found
    assert isinstance(attempt, Failed)
    assert isinstance(attempt.error, TaskTimeout)


def test_a_task_that_ends_in_time_has_succeeded() -> None:
    assert isinstance(attempted(is_quick, 3600.0), Succeeded)
