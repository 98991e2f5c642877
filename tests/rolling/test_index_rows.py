"""Workers of before the index write no rows; the leader of the sweep fills in what they left out."""

from __future__ import annotations

import random
from contextlib import nullcontext
from typing import Any
from unittest.mock import patch

import pytest
import scripted

from selinon_core.celery.execution.index_changes import IndexChanges
from selinon_core.celery.services import WorkerServices
from selinon_core.celery.worker.sweep import Reaper
from selinon_core.project import compile_text
from selinon_core.simulating.world import World
from tests.celery.index_check import all_rows, index_mistakes

YAML = """
tasks:
  - {name: A, import: scripted, classname: Scripted}
  - {name: B, import: scripted, classname: Scripted}
flow-definitions:
  - {name: top, edges: [{from: , to: A}, {from: A, to: below}, {from: below, to: B}]}
  - {name: below, edges: [{from: , to: A}]}
"""


class Mixed(World):
    """All workers but the last one are of before the index."""

    def handle(self, engine: WorkerServices, *about: Any) -> None:
        is_new = engine is self.workers[-1]
        with nullcontext() if is_new else patch.object(IndexChanges, "has_row", lambda self, caller: False):
            super().handle(engine, *about)


def swept(world: World, rounds: int = 50) -> None:
    reaper = Reaper(world.workers[-1])
    for _ in range(rounds):
        world.now += 5.0
        reaper.run_once()


@pytest.mark.parametrize("seed", range(5))
def test_the_sweep_fills_in_what_older_workers_left_out(seed: int) -> None:
    scripted.set_up({"tasks": {}, "foreach": {}, "parentless": []})
    plan = compile_text({"nodes.yaml": YAML}).plan
    assert plan is not None
    world = Mixed(plan, workers=3, seed=seed, shuffle=True, selinon_inline_count=0)
    ids = [world.start("top", {"n": number}) for number in range(20)]
    world.cancel("top", ids[0])
    for _ in range(random.Random(seed).randrange(30, 60)):
        if world.broker.queue:
            world.deliver(*world.broker.queue.pop(0))
    swept(world)
    begun = [id for id in ids if world.store.header(id) is not None]
    assert index_mistakes(world.store, begun) == []
    world.work()
    assert len(index_mistakes(world.store, ids)) > 0, "older workers ended some, and nothing was swept yet"
    swept(world)
    assert index_mistakes(world.store, ids) == []
    rows = all_rows(world.store)
    assert sorted(row.id for row in rows) == sorted(ids)
    assert sorted(row.args for row in rows) == sorted(f'{{"n":{number}}}' for number in range(20))


def test_rows_are_removed_when_they_are_old_enough() -> None:
    scripted.set_up({"tasks": {}, "foreach": {}, "parentless": []})
    plan = compile_text({"nodes.yaml": YAML}).plan
    assert plan is not None
    world = World(plan, workers=1, selinon_state_ttl=1000.0, selinon_index_ttl=5000.0)
    ids = [world.start("top") for _ in range(3)]
    world.work()
    world.now += 2000
    swept(world)
    assert [world.store.header(id) for id in ids] == [None] * 3
    assert len(all_rows(world.store)) == 3, "rows outlive the state"
    world.now += 4000
    swept(world)
    assert all_rows(world.store) == []
