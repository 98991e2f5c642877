"""Workers of before limits of tasks give such messages back to newer ones, and run all other tasks."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from selinon_core.celery.services import WorkerServices
from selinon_core.celery.transport.message_schema import TASK_LIMIT_FORMAT
from selinon_core.project import compile_text
from selinon_core.simulating.world import World
from tests.celery.workers import site, wait_until
from tests.rolling.before_task_limits import before_task_limits

YAML = """
tasks:
  - {name: Call, import: MODULE, limit: {key: api, max: 1}, max_retry: 1}
  - {name: Ship, import: MODULE}
  - {name: Last, import: MODULE, limit: {key: api, max: 1}}
flow-definitions:
  - name: main
    edges: [{from: , to: [Call, Ship]}, {from: [Call, Ship], to: Last}]
"""
TASKS = """
class Call:
    def __init__(self, **names):
        pass

    def run(self, node_args):
        pass

class Ship(Call):
    pass

class Last(Call):
    pass
"""
#: Tasks that ran, by name and whether the worker knows their limits.
ran: Counter[tuple[str, bool]] = Counter()
at_work: list[bool] = []
failing: list[str] = []


class Call:
    def __init__(self, **names: Any) -> None:
        self.name = names["task_name"]

    def run(self, node_args: Any) -> None:
        ran[self.name, at_work[-1]] += 1
        if failing and self.name == "Call":
            failing.pop()
            raise ValueError("once more")


class Ship(Call):
    pass


class Last(Call):
    pass


class Mixed(World):
    """The last worker knows limits of tasks, the others do not."""

    def handle(self, engine: WorkerServices, *about: Any) -> None:
        at_work.append(engine is self.workers[-1])
        try:
            with nullcontext() if at_work[-1] else before_task_limits():
                super().handle(engine, *about)
        finally:
            at_work.pop()


@pytest.mark.parametrize("seed", range(6))
def test_tasks_with_a_limit_wait_for_newer_workers(seed: int) -> None:
    ran.clear()
    failing[:] = ["Call"] * (seed % 2)  # the message of a second attempt is another one
    plan = compile_text({"nodes.yaml": YAML.replace("MODULE", __name__)}).plan
    assert plan is not None
    faults: Any = {"crash": 0.02} if seed > 2 else {}
    world = Mixed(plan, workers=3, seed=seed, shuffle=bool(seed), selinon_inline_count=0, **faults)
    ids = [world.start("main") for _ in range(6)]
    world.work()
    assert [world.results[id][0] for id in ids] == ["success"] * 6
    assert not ran["Call", False] + ran["Last", False]
    assert ran["Ship", False]
    assert ran["Call", True] >= 6 + seed % 2
    formats = {sent.kwargs["task"]: sent.kwargs.get("v", 1) for sent in world.broker.sent if "task" in sent.kwargs}
    assert formats == {"Call": TASK_LIMIT_FORMAT, "Last": TASK_LIMIT_FORMAT, "Ship": 1}
    assert not world.refused
    assert not world.store.task_limits.state("api").holders


@pytest.mark.service("redis")
@pytest.mark.xdist_group("workers")
@pytest.mark.timeout(120)
@pytest.mark.parametrize("broker", ["redis", pytest.param("amqp", marks=pytest.mark.service("amqp"))])
def test_nothing_is_lost_beside_a_real_worker_of_before(broker: str, tmp_path: Path) -> None:
    with site(tmp_path, broker, selinon_inline_seconds=0.0) as place:
        place.write(YAML.replace("MODULE", f"tasks_{place.name}"), TASKS)
        place.start("-c", "1", app="tests.rolling.before_task_limits:app")
        runs = [place.selinon.run_flow("main") for _ in range(3)]
        wait_until(lambda: f"a message of format {TASK_LIMIT_FORMAT}" in place.logs(), told=place.logs)
        place.start("-c", "1")
        assert [run.wait(60) for run in runs] == ["success"] * 3, place.logs()
        assert "refused" not in place.logs()
        assert not place.selinon.store.runs(10)
