"""Reading runs again and again: what a reader catches up with is what reading anew says; times and timelines."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from selinon_core import SelinonTask
from selinon_core.celery.reporting.run_reader import RunReader
from selinon_core.celery.reporting.run_status import describe, described
from selinon_core.celery.reporting.timeline import critical_path, spans, waiting_share
from selinon_core.errors import RequestError
from selinon_core.project import compile_text
from selinon_core.simulating.world import World

YAML = """
tasks:
  - {name: Load, import: timed}
  - {name: Short, import: timed}
  - {name: Long, import: timed}
  - {name: Join, import: timed}
flow-definitions:
  - name: main
    edges:
      - {from: , to: Load}
      - {from: Load, to: [Short, Long, below]}
      - {from: [Short, Long, below], to: Join}
  - {name: below, edges: [{from: , to: Short}]}
"""
SECONDS = {"Load": 2.0, "Short": 1.0, "Long": 30.0, "Join": 3.0}


class Clock:
    world: World


class Timed(SelinonTask):
    def run(self, node_args: Any) -> None:
        Clock.world.now += SECONDS[self.task_name]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    module = ModuleType("timed")
    for name in SECONDS:
        setattr(module, name, type(name, (Timed,), {}))
    monkeypatch.setitem(sys.modules, "timed", module)
    plan = compile_text({"nodes.yaml": YAML}).plan
    assert plan is not None
    Clock.world = World(plan, workers=1, selinon_inline_count=0, selinon_batch_count=1)
    return Clock.world


def test_a_reader_that_catches_up_says_what_reading_anew_says(world: World) -> None:
    ids = [world.start("main") for _ in range(3)]
    flows = world.workers[0].flow_versions
    reader = RunReader(world.store, flows, remembered=2)  # some are forgotten in between
    with pytest.raises(RequestError):
        described(reader, ids[0])
    looked = 0
    while world.broker.queue:
        world.deliver(*world.broker.queue.pop(0))
        for id in ids:
            if world.store.header(id) is not None:
                assert described(reader, id) == describe(world.store, flows, id)
                looked += 1
    assert looked > 20
    assert [described(reader, id)["status"] for id in ids] == ["success"] * 3


def test_only_what_is_new_is_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    id = world.start("main")
    world.work()
    reader = RunReader(world.store, world.workers[0].flow_versions)
    with reader.reading(id) as folded:
        assert folded is not None
        read = folded.version
    asked: list[tuple[str, int]] = []
    since = world.store.since
    monkeypatch.setattr(
        world.store, "since", lambda id, version: asked.append((id, version)) or since(id, version)
    )
    with reader.reading(id) as again:
        assert again is folded
    assert asked == [(id, read)]


def test_a_run_that_was_started_anew_under_its_id_is_read_anew(world: World) -> None:
    id = world.start("main")
    world.work()
    reader = RunReader(world.store, world.workers[0].flow_versions)
    assert described(reader, id)["status"] == "success"
    world.store.clear()
    world.now += 100
    world.start("main", id=id)
    world.deliver(*world.broker.queue.pop(0))
    assert described(reader, id)["status"] == "running"
    assert described(reader, id) == describe(world.store, world.workers[0].flow_versions, id)


def test_every_node_run_has_its_times(world: World) -> None:
    began = world.now
    id = world.start("main")
    world.work()
    found = describe(world.store, world.workers[0].flow_versions, id)
    nodes = {node["name"]: node for node in found["nodes"]}
    for name, seconds in SECONDS.items():
        assert nodes[name]["ended"] - nodes[name]["begun"] == pytest.approx(seconds, abs=0.01), name
        assert began <= nodes[name]["queued"] <= nodes[name]["begun"]
    assert nodes["Join"]["queued"] >= max(nodes[name]["ended"] for name in ("Short", "Long", "below"))
    assert nodes["below"]["begun"] == nodes["below"]["run"]["created"]


def test_an_end_that_waits_in_the_inbox_keeps_its_time(world: World) -> None:
    """Nothing can be decided before all three ended: the ends wait for one decision."""
    id = world.start("main")
    world.work()
    nodes = {node["name"]: node for node in describe(world.store, world.workers[0].flow_versions, id)["nodes"]}
    ends = [nodes["Short"]["ended"], nodes["Long"]["ended"]]
    assert abs(ends[0] - ends[1]) >= 1.0, "one worker did one after the other, and the log has both in one batch"


def test_the_critical_path_leads_back_from_the_last_end(world: World) -> None:
    id = world.start("main")
    world.work()
    found = describe(world.store, world.workers[0].flow_versions, id)
    path = critical_path(found, world.now)
    nodes = {node["name"]: node for node in found["nodes"]}
    latest = max(("Short", "Long", "below"), key=lambda name: nodes[name]["ended"])
    assert [step["name"] for step in path] == ["Load", latest, "Join"]
    assert sum(step["share"] for step in path) == pytest.approx(1.0, abs=0.001)
    assert 0.0 <= waiting_share(path) < 1.0
    total = path[-1]["ended"] - path[0]["queued"]
    ran = sum(step["ended"] - step["begun"] for step in path)
    assert waiting_share(path) == pytest.approx((total - ran) / total, abs=0.01)


def test_the_path_of_an_open_run_ends_at_what_is_open(world: World) -> None:
    id = world.start("main")
    for _ in range(2):
        world.deliver(*world.broker.queue.pop(0))
    found = describe(world.store, world.workers[0].flow_versions, id)
    path = critical_path(found, world.now + 5)
    assert path[0]["name"] == "Load"
    assert len(path) == 2
    assert path[-1]["ended"] == world.now + 5
    assert {span.name for span in spans(found, world.now)} == {"Load", "Short", "Long", "below"}


def test_a_run_without_nodes_has_no_path(world: World) -> None:
    world.cancel("main", "never")
    world.work()
    found = describe(world.store, world.workers[0].flow_versions, "never")
    assert critical_path(found, world.now) == []
    assert waiting_share([]) == 0.0
