"""A flow run that failed goes on in place: simulated workers, messages in any order, twice, and crashes."""

from __future__ import annotations

from typing import Any

import pytest

from selinon_core.celery.reporting.run_history import history
from selinon_core.celery.reporting.run_status import describe
from selinon_core.dispatch import flow_indexes
from selinon_core.migrations.replay import Replay
from selinon_core.plan import Plan
from selinon_core.simulating.world import World
from tests.celery.broken_tasks import BROKEN, NESTED, SUCCEEDED, broken_plan, set_up
from tests.celery.reported import report_of
from tests.conformance.canonical import canonical_runs, counts

#: What is broken at first. What fallbacks handle stays so.
BREAKS = [
    ("f.A",),
    ("f.C", "g.A"),
    ("h.C",),
    ("h.C", "g.A", "f.D"),
    ("h.D", "h.F"),
    ("f.B", "h.E"),
    ("h.D", "g.B", "f.E", "f.B"),
]
HANDLED = {"f.B", "h.D"}


def compared(plan: Plan, world: World, id: str) -> Any:
    report = report_of(plan, world.store, id)
    runs = [row[1:] for row in canonical_runs(report["nodes"])]
    return report["status"], counts(report["finished_nodes"]), counts(report["failed_nodes"]), runs


def mend() -> None:
    BROKEN.intersection_update(HANDLED)


def status(world: World, id: str) -> dict[str, Any]:
    return describe(world.store, world.workers[0].flow_versions, id)


@pytest.mark.parametrize("breaks", BREAKS, ids=",".join)
@pytest.mark.parametrize("seed", range(6))
def test_fail_mend_retry_is_as_never_failed(breaks: tuple[str, ...], seed: int) -> None:
    plan = broken_plan(NESTED)
    set_up(*breaks)
    faults: Any = {"crash": 0.03, "duplicate": 0.2} if seed else {}
    world = World(plan, seed=seed, workers=3, shuffle=bool(seed), **faults)
    id = world.start("f", {"n": 1})
    world.work()
    assert status(world, id)["status"] == "failure"
    mend()
    for _ in range(10):  # a crash may let a parent hear of the failure of before once more
        if status(world, id)["status"] == "success":
            break
        world.retry("f", id)
        world.retry("f", id)  # twice is once
        world.work()
    found = compared(plan, world, id)
    assert set(SUCCEEDED.values()) == {1} or seed, "no task that succeeded runs again"
    assert world.results[id][0] == "success"
    set_up(*HANDLED.intersection(breaks))
    never = World(plan)
    same = never.start("f", {"n": 1}, id=id)
    never.work()
    assert found == compared(plan, never, same)


def test_only_what_failed_runs_again() -> None:
    set_up("h.C", "g.A")
    world = World(broken_plan(NESTED))
    id = world.start("f")
    world.work()
    before = dict(SUCCEEDED)
    mend()
    world.retry("f", id)
    world.work()
    assert status(world, id)["status"] == "success"
    assert set(SUCCEEDED.values()) == {1}
    assert before.items() <= dict(SUCCEEDED).items()


def test_it_says_what_it_does() -> None:
    set_up("f.A")
    plan = broken_plan(NESTED)
    world = World(plan)
    id = world.start("f")
    world.work()
    assert status(world, id)["reason"] == "no fallback applies to the failed nodes: A"
    BROKEN.clear()
    world.retry("f", id)
    world.work_some(1)
    now = status(world, id)
    assert (now["status"], now["reason"]) == ("running", None)
    assert world.store.index.get(id).status == "running"  # type: ignore[union-attr]
    world.work()
    row = world.store.index.get(id)
    assert row is not None
    assert (row.status, row.reason) == ("success", "")
    events = [e for e in history(plan, world.store, world.workers[0].flow_versions, id) if e["flow_name"] == "f"]
    (retried,) = [event for event in events if event["event"] == "RUN_RETRIED"]
    assert [each["name"] for each in retried["retried"]] == ["A"]
    assert [e["event"] for e in events].count("FLOW_FAILURE") == 1


@pytest.mark.parametrize("breaks", BREAKS, ids=",".join)
def test_its_history_can_be_checked_against_a_flow(breaks: tuple[str, ...]) -> None:
    """As ``selinon migrate check`` does with the histories of production."""
    set_up(*breaks)
    plan = broken_plan(NESTED)
    world = World(plan)
    id = world.start("f")
    world.work()
    mend()
    world.retry("f", id)
    world.work()
    events = history(plan, world.store, world.workers[0].flow_versions, id)
    assert "RUN_RETRIED" in [event["event"] for event in events]
    for flow, table in flow_indexes(plan).items():
        replay = Replay(table, plan.flows[flow], (), "warn")
        for event in events:
            if event.get("flow_name") == flow:
                replay.take(event["event"], event)


def test_named_node_runs_run_again_and_others_stay_failed() -> None:
    set_up("g.A", "f.C")
    world = World(broken_plan(NESTED))
    id = world.start("f")
    world.work()
    numbers = {node["name"]: node["number"] for node in status(world, id)["nodes"]}
    BROKEN.clear()
    world.retry("f", id, [numbers["C"]])
    world.work()
    found = status(world, id)
    assert found["status"] == "failure"
    assert {n["name"]: n["status"] for n in found["nodes"]}["C"] == "success"
    assert {n["name"]: n["status"] for n in found["nodes"]}["g"] == "failure"


def test_attempts_start_anew() -> None:
    set_up("f.A")
    plan = broken_plan("  - {name: f, edges: [{from: , to: A}]}\n", ", max_retry: 2, retry_countdown: 1")
    world = World(plan)
    id = world.start("f")
    world.work()
    assert status(world, id)["nodes"][0]["attempts"] == 3
    world.retry("f", id)
    world.work()
    (node,) = status(world, id)["nodes"]
    assert (node["status"], node["attempts"]) == ("failure", 3)
    assert "A is broken" in node["error"]["message"]


def test_a_timed_out_run_gets_a_new_deadline_and_its_subflows_go_on() -> None:
    set_up()
    flows = """
  - {name: f, timeout: 10, edges: [{from: , to: [A, g]}, {from: [A, g], to: B}]}
  - {name: g, edges: [{from: , to: C}, {from: C, to: D}]}
"""
    plan = broken_plan(flows, ", throttling: {seconds: 20}")
    world = World(plan)
    ids = [world.start("f") for _ in range(3)]  # throttling keeps the later ones back until it is too late
    world.work()
    assert [status(world, id)["status"] for id in ids].count("failure") >= 2
    for _ in range(20):
        failed = [id for id in ids if status(world, id)["status"] == "failure"]
        for id in failed:
            world.retry("f", id)
        world.work()
    assert {status(world, id)["status"] for id in ids} == {"success"}
    assert set(SUCCEEDED.values()) == {1}
    assert len(SUCCEEDED) == 4 * len(ids)


def test_a_subflow_that_was_cancelled_before_it_began_begins() -> None:
    set_up()
    flows = """
  - {name: f, timeout: 10, edges: [{from: , to: [A, g]}]}
  - {name: g, throttling: {seconds: 15}, edges: [{from: , to: C}]}
"""
    world = World(broken_plan(flows))
    first, second = world.start("f"), world.start("f")
    world.work()
    assert sorted(status(world, id)["status"] for id in (first, second)) == ["failure", "success"]
    failed = first if status(world, first)["status"] == "failure" else second
    (subflow,) = [node for node in status(world, failed)["nodes"] if node["name"] == "g"]
    assert subflow["run"]["reason"] == "the flow run was cancelled before it began"
    world.now += 60  # its slot is free again
    world.retry("f", failed)
    world.work()
    assert status(world, failed)["status"] == "success"
    assert len(SUCCEEDED) == 4
    assert set(SUCCEEDED.values()) == {1}


def test_what_is_refused_changes_nothing() -> None:
    set_up()
    world = World(broken_plan(NESTED))
    id = world.start("f")
    world.work()
    before = world.store.read(id)
    world.retry("f", id)
    world.work()
    assert world.store.read(id) == before
    cancelled = world.start("f")
    world.work_some(1)
    world.cancel("f", cancelled)
    world.work()
    world.retry("f", cancelled)
    world.work()
    assert status(world, cancelled)["status"] == "cancelled"
