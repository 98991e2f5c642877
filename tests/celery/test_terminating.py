"""A run is cancelled together with the task that it runs: on simulated workers, and on a real one."""

from __future__ import annotations

import io
import sys
from contextlib import nullcontext, redirect_stderr
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from selinon_cli.main import run_program
from selinon_cli.registry import SELINON
from selinon_core.celery.steering.termination import cancel_and_terminate, running_tasks
from selinon_core.errors import RequestError
from selinon_core.simulating.world import World
from tests.celery.broken_tasks import broken_plan, set_up
from tests.celery.counted_tasks import CALLS, plan_of
from tests.celery.remote_control import RemoteControl
from tests.celery.workers import site, wait_until

YAML = """
tasks:
  - {name: Long, import: MODULE, classname: Long, max_retry: 3}
  - {name: Rescue, import: MODULE, classname: Rescue}
flow-definitions:
  - name: inner
    edges: [{from: , to: Long}]
    failures: [{nodes: Long, fallback: Rescue}]
  - {name: main, edges: [{from: , to: inner}], failures: [{nodes: inner, fallback: Rescue}]}
"""
TASKS = """
import os, time
from pathlib import Path
from selinon_core import SelinonTask

def ran(name):
    with open(Path(__file__).parent / "ran.txt", "a") as file:
        file.write(name + "\\n")

class Long(SelinonTask):
    def run(self, node_args):
        ran("Long")
        while not (Path(__file__).parent / "go").exists():
            time.sleep(0.01)
        ran("ended")

class Rescue(SelinonTask):
    def run(self, node_args):
        ran("Rescue")
"""


def test_the_cancellation_is_kept_before_the_task_is_stopped() -> None:
    CALLS.clear()
    world = World(plan_of("      - {from: , to: A}\n      - {from: A, to: B}\n"), selinon_inline_count=0)
    control = RemoteControl(
        {
            "w0@a": "celery.concurrency.prefork:TaskPool",
            "w1@a": "celery.concurrency.thread:TaskPool",
            "other@a": "celery.concurrency.solo:TaskPool",  # of another app at the same broker
        },
        elsewhere=["other@a"],
    )
    app = SimpleNamespace(control=control, connection_for_write=nullcontext)
    owner: Any = SimpleNamespace(services=world.workers[0], app=app)
    id = world.start("main")
    world.deliver(*world.broker.take(False))
    world.store.claim_delivery(id, 1, 0, False, world.now)  # a worker runs it
    ended = cancel_and_terminate(owner, id, "ann")
    assert control.revoked == list(ended.tasks)
    assert list(ended.tasks.values()) == ["A"]
    assert ended.cannot == {"w1@a": "thread"}
    world.work()
    assert world.results[id][0] == "failure"
    assert world.store.header(id)["status"] == "cancelled"  # type: ignore[index]
    assert CALLS == []
    (entry,) = world.store.audit.read(id).entries
    assert (entry.who, entry.what, dict(entry.details)) == ("ann", "cancel", {"terminate": 1})
    with pytest.raises(RequestError, match="has ended already: cancelled"):
        cancel_and_terminate(owner, id)


def test_a_run_that_waits_for_its_place_is_ended_too() -> None:
    set_up()
    plan = broken_plan("  - {name: f, limit: {key: all, max: 1}, edges: [{from: , to: A}]}\n")
    world = World(plan, selinon_inline_count=0)
    first, second = world.start("f"), world.start("f")
    world.deliver(*world.broker.take(False))
    world.deliver(*world.broker.take(False))  # before the task of the first run
    app = SimpleNamespace(control=RemoteControl(), connection_for_write=nullcontext)
    owner: Any = SimpleNamespace(services=world.workers[0], app=app)
    assert running_tasks(owner, second) == {}
    assert cancel_and_terminate(owner, second, "ann").tasks == {}
    world.work()
    statuses = [world.store.header(id)["status"] for id in (first, second)]  # type: ignore[index]
    assert statuses == ["success", "cancelled"]


@pytest.mark.xdist_group("workers")
@pytest.mark.timeout(180)
@pytest.mark.service("redis")
def test_a_task_of_a_sub_flow_on_a_real_worker_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with site(tmp_path, worker_enable_remote_control=True) as place:
        place.write(YAML.replace("MODULE", f"tasks_{place.name}"), TASKS)
        place.start("-c", "1")
        run = place.selinon.run_flow("main")
        wait_until(lambda: place.ran() == ["Long"], told=place.logs)
        monkeypatch.setitem(sys.modules, "caller", SimpleNamespace(app=place.app))
        said = io.StringIO()
        with redirect_stderr(said):
            assert run_program(SELINON, ["cancel", run.id, "--terminate", "--app", "caller:app"]) == 0
        assert f"asked for the end of {run.id}, and to stop: Long\n" in said.getvalue()
        assert run.wait(60) == "cancelled", place.logs()
        after = place.selinon.run_flow("main")  # its only process is free for others
        wait_until(lambda: place.ran() == ["Long", "Long"], told=place.logs)
        (tmp_path / "go").touch()
        assert after.wait(60) == "success", place.logs()
        assert place.ran() == ["Long", "Long", "ended"]
