"""Workers of this format beside those of the next one: what they cannot read they leave, and nothing is lost."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import scripted

from selinon_core.celery.reporting.run_status import describe
from selinon_core.celery.services import WorkerServices
from selinon_core.plan import Plan
from selinon_core.project import compile_text
from selinon_core.simulating.world import World
from tests.celery.workers import site, wait_until
from tests.rolling.next_format import NEXT, next_format

YAML = """
tasks:
  - {name: A, import: scripted, classname: Scripted}
flow-definitions:
  - {name: main, edges: [{from: , to: A}]}
"""
PROJECT = """
tasks:
  - {name: A, import: MODULE, classname: Tell}
  - {name: B, import: MODULE, classname: Tell}
flow-definitions:
  - name: main
    edges: [{from: , to: A}, {from: A, to: inner}]
  - name: inner
    edges: [{from: , to: A}, {from: A, to: B}]
"""
TASKS = """
from selinon_core import SelinonTask

class Tell(SelinonTask):
    def run(self, node_args):
        return self.task_name
"""


class Mixed(World):
    """The last worker is of the next format, the others are of this one."""

    def handle(self, engine: WorkerServices, *about: Any) -> None:
        with next_format() if engine is self.workers[-1] else nullcontext():
            super().handle(engine, *about)


def plan() -> Plan:
    scripted.set_up({"tasks": {}, "foreach": {}, "parentless": []})
    found = compile_text({"nodes.yaml": YAML}).plan
    assert found is not None
    return found


@pytest.mark.parametrize("seed", range(5))
def test_a_run_of_a_newer_format_is_left_to_newer_workers(seed: int) -> None:
    world = Mixed(plan(), workers=3, seed=seed, crash=0.02, selinon_inline_count=0)
    ids = [world.start("main")]
    with next_format():
        ids.append(world.start("main"))
    world.work()
    assert [world.results[id][0] for id in ids] == ["success", "success"]
    assert world.store.header(ids[1])["format"] == str(NEXT)  # type: ignore[index]


def test_an_event_of_an_unknown_kind_waits_for_a_newer_worker() -> None:
    world = World(plan(), workers=2, selinon_inline_count=0)
    id = world.start("main")
    world.work_some(1)
    world.store.append_event(id, 0, '["Z","ann"]', world.now, urgent=True)
    world.work_some(8)
    found = world.store.read(id)
    assert found is not None
    header, log, inbox = found
    assert header["status"] == "running"
    assert inbox[0] == '["Z","ann"]'
    assert len(log) == 1
    with next_format():
        world.work()
    assert world.results[id] == ("failure", world.results[id][1])
    assert world.store.header(id)["status"] == "cancelled"  # type: ignore[index]
    assert "not known here" in describe(world.store, world.workers[0].flow_versions, id)["reason"]


@pytest.mark.service("redis")
@pytest.mark.xdist_group("workers")
@pytest.mark.timeout(120)
@pytest.mark.parametrize("broker", ["redis", pytest.param("amqp", marks=pytest.mark.service("amqp"))])
def test_nothing_is_lost_beside_a_real_worker_of_the_next_format(broker: str, tmp_path: Path) -> None:
    with site(tmp_path, broker) as place:
        place.write(PROJECT.replace("MODULE", f"tasks_{place.name}"), TASKS)
        place.start("-c", "1")
        runs = [place.selinon.run_flow("main") for _ in range(3)]
        with next_format():
            runs += [place.selinon.run_flow("main") for _ in range(3)]
        wait_until(lambda: "left to another worker" in place.logs(), told=place.logs)
        place.start("-c", "1", app="tests.rolling.next_format:app")
        with next_format():
            runs += [place.selinon.run_flow("main") for _ in range(3)]
        assert [run.wait(30) for run in runs] == ["success"] * 9, place.logs()
        assert "refused" not in place.logs()
        assert place.selinon.store.header(runs[-1].id)["format"] == str(NEXT)  # type: ignore[index]
        assert not place.selinon.store.runs(10)
