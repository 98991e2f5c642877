"""The simulated workers leave nothing behind in this process."""

from __future__ import annotations

import threading

import scripted

from selinon_core.simulating.world import World
from tests.celery.changed_flows import CHAIN, NODES, plan_of


def test_simulated_workers_start_no_thread() -> None:
    before = threading.enumerate()
    always = {"name": "alwaysTrue"}
    edges = [{**edge, "condition": always} for edge in CHAIN[0]["edges"]]
    scripted.set_up({"tasks": {}, "foreach": {}, "parentless": []})
    world = World(plan_of(NODES, [{"name": "f", "edges": edges}]), workers=3, crash=0.05, seed=1)
    ids = [world.start("f") for _ in range(10)]
    world.work()
    assert {world.results[id][0] for id in ids} == {"success"}
    assert world.crashes
    assert threading.enumerate() == before
