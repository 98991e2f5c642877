"""A worker forks when none of its threads is within a network library, and they start behind the first forks."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, signals

from selinon_core.celery import Selinon
from selinon_core.celery.worker.fork_gate import MOST, ForkGate, fork_gate
from selinon_core.project import compile_data

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


def _forked(child: Any) -> int:
    """What ``child()`` returns in a forked process."""
    pid = os.fork()
    if pid == 0:
        os._exit(child())
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("gated", [True, False])
def test_a_lock_that_a_thread_holds_behind_the_gate_is_free_in_the_child(gated: bool) -> None:
    gate = fork_gate()
    library, holding, forked = threading.Lock(), threading.Event(), threading.Event()

    def use() -> None:
        with library:
            holding.set()
            forked.wait(MOST / 4)

    def user() -> None:
        if gated:
            with gate.passed():
                use()
        else:
            use()

    thread = threading.Thread(target=user)
    thread.start()
    holding.wait()
    is_held = _forked(lambda: int(library.locked()))
    forked.set()
    thread.join()
    assert bool(is_held) is not gated
    with gate.passed():  # the parent's threads go on
        pass


def test_a_child_has_a_gate_that_is_open() -> None:
    gate, inside, forked = fork_gate(), threading.Event(), threading.Event()

    def silent_server() -> None:
        with gate.passed():
            inside.set()
            forked.wait()

    thread = threading.Thread(target=silent_server)
    thread.start()
    inside.wait()

    def child() -> int:
        with gate.passed():
            return _forked(lambda: 3)

    assert _forked(child) == 3  # though the thread never left
    forked.set()
    thread.join()


def _worker() -> Any:
    project = {
        "tasks": [{"name": "A", "import": "tasks"}],
        "flows": ["main"],
        "flow-definitions": [{"name": "main", "edges": [{"from": None, "to": "A"}]}],
    }
    app = Celery("gated", broker="memory://", set_as_current=False)
    app.conf.update(selinon_state_url="memory://", worker_hijack_root_logger=False)
    Selinon(app, plan=compile_data(project).plan)
    return app.Worker(pool="prefork", concurrency=1, quiet=True)


def _threads() -> list[threading.Thread]:
    names = ("selinon-sweep", "selinon-refresh", "selinon-revoked", "selinon-starts")
    return [thread for thread in threading.enumerate() if thread.name in names]


def check_threads_of_a_worker() -> None:
    """They start behind the pool and end when the worker has."""
    worker = _worker()
    names = [step.alias for step in worker.steps]
    step = worker.steps[names.index("bootsteps:Maintenance")]
    assert names.index("Pool") < names.index(step.alias)
    step.start(worker)
    threads = _threads()
    assert threads
    step.stop(worker)  # the pool is still waited for
    assert _threads() == threads
    signals.worker_shutdown.send(sender=worker)
    for thread in threads:
        thread.join(30)
    assert _threads() == []


def test_threads_start_behind_the_pool_and_end_when_the_worker_has() -> None:
    # In a process of its own: one that has made a worker's pool may not wait for results any more.
    script = f"from {__name__} import check_threads_of_a_worker as check; check()"
    root = str(Path(__file__).parents[2])
    ended = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr


def test_a_fork_does_not_wait_in_vain_where_a_thread_is_always_behind_the_gate() -> None:
    gate, libraries, over = fork_gate(), (threading.Lock(), threading.Lock()), threading.Event()
    passed = (threading.Event(), threading.Event())

    def user(number: int) -> None:
        other = passed[1 - number]
        while not over.is_set():
            with gate.passed(), libraries[number]:
                other.clear()
                passed[number].set()
                other.wait(MOST / 4)  # until the other one has passed

    threads = [threading.Thread(target=user, args=(number,)) for number in (0, 1)]
    for number, thread in enumerate(threads):
        thread.start()
        passed[number].wait()
    held = _forked(lambda: sum(library.locked() for library in libraries))
    over.set()
    for thread in threads:
        thread.join()
    assert held == 0


def test_a_thread_that_waits_for_a_silent_server_delays_forks_once() -> None:
    gate, inside, answered = ForkGate(most=0.1), threading.Event(), threading.Event()

    def silent_server() -> None:
        with gate.passed():
            inside.set()
            answered.wait()

    thread = threading.Thread(target=silent_server)
    thread.start()
    inside.wait()
    gate.close()
    gate.open_in_parent()
    waits: list[float | None] = []
    gate._condition.wait = waits.append  # type: ignore[assignment, method-assign]
    gate.close()
    gate.open_in_parent()
    answered.set()
    thread.join()
    assert waits == []
