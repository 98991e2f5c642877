"""Limits of flows in local runs: sub-flows wait for their places in virtual time, as they do on workers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from selinon_core.cases.model import Mocks, NodeMock, Outcome, Rule, Script
from selinon_core.celery.reporting.run_status import describe
from selinon_core.plan import Plan
from selinon_core.simulating.world import World
from tests.local.trying import build, names, play, told

THREE = ["-> part part part"]


def limited(limit: Mapping[str, Any], top: Any = THREE, **more: Any) -> Plan:
    return build({"main": top, "part": {"edges": ["-> A", "A -> B"], "limit": dict(limit)}, **more})


def spans(run: Any, name: str = "part") -> list[tuple[float, float]]:
    return [(node["started_at"], node["finished_at"]) for node in run.nodes if node["name"] == name]


def test_so_many_subflows_run_at_once_and_the_others_wait_in_virtual_time() -> None:
    plan = limited({"key": "parts", "max": 2})
    run = play(plan, durations={"A": 5, "B": 1})
    assert run.status == "success"
    assert spans(run) == [(0.0, 6.0), (0.0, 6.0), (6.0, 12.0)]
    (queued,) = told(run, "RUN_QUEUED")
    third = [node for node in run.nodes if node["name"] == "part"][2]
    assert {name: queued[name] for name in ("flow_name", "dispatcher_id", "key", "max", "when_full")} == {
        "flow_name": "part",
        "dispatcher_id": third["id"],
        "key": "parts",
        "max": 2,
        "when_full": "queue",
    }
    free = play(limited({"key": "parts", "max": 3}), durations={"A": 5, "B": 1})
    assert (free.virtual_seconds, told(free, "RUN_QUEUED")) == (6.0, [])


def test_runs_of_other_keys_do_not_wait() -> None:
    flows = {
        "main": {"edges": [("-> part", {"foreach": "args", "args": {"customer": "${item}"}})]},
        "part": {"edges": ["-> A"], "limit": {"key": "${args.customer}", "max": 1}},
    }
    run = play(build(flows), ["a", "b", "a"], durations={"A": 5})
    assert spans(run) == [(0.0, 5.0), (0.0, 5.0), (5.0, 10.0)]


def test_a_subflow_that_skips_fails_its_node_so_that_fallbacks_apply() -> None:
    top = {"edges": THREE, "failures": ["part -> C"]}
    run = play(limited({"key": "parts", "max": 1, "when_full": "skip"}, top), durations={"A": 5})
    assert (run.status, names(run).count("C"), names(run).count("A")) == ("success", 2, 1)
    assert [line["for"] for line in told(run, "LIMIT_CANCEL")] == [None, None]
    reasons = [node["reason"] for node in run.nodes if node["name"] == "part" and node["status"] == "failure"]
    assert reasons == ['the limit is reached: 1 run has the key "parts"'] * 2


def test_a_subflow_that_cancels_takes_the_place_of_the_oldest() -> None:
    top = {"edges": THREE, "failures": ["part -> C"]}
    run = play(limited({"key": "parts", "max": 1, "when_full": "cancel_running"}, top), durations={"A": 5})
    assert (run.status, names(run).count("C"), names(run).count("B")) == ("success", 2, 1)
    parts = [node["id"] for node in run.nodes if node["name"] == "part"]
    assert [line["dispatcher_id"] for line in told(run, "LIMIT_CANCEL")] == parts[:2]


def test_a_subflow_does_not_take_the_place_that_a_run_above_it_holds() -> None:
    same = {"key": "same", "max": 1}
    plan = build({"main": {"edges": ["-> part"], "limit": same}, "part": {"edges": ["-> A"], "limit": same}})
    assert play(plan).status == "success"


def test_a_subflow_that_waits_is_cancelled_with_its_flow_and_the_next_one_gets_the_place() -> None:
    flows = {
        "main": ["-> long short", "short -> part"],
        "long": ["-> part"],
        "short": {"edges": ["-> part"], "timeout": 3, "max_retry": 0},
        "part": {"edges": ["-> A"], "limit": {"key": "parts", "max": 1}},
    }
    run = play(build(flows), durations={"A": 5})
    assert run.status == "failure"
    assert names(run).count("A") == 1
    assert spans(run)[0] == (0.0, 5.0)


def test_a_key_that_cannot_be_worked_out_fails_the_subflow_and_says_where() -> None:
    plan = limited({"key": "${args.customer}", "max": 1}, ["-> part"])
    run = play(plan, {"other": 1})
    reasons = [node["reason"] for node in run.nodes if node["name"] == "part"]
    assert run.status == "failure"
    assert "limit.key at" in reasons[0]


def test_a_mocked_subflow_has_a_place_too() -> None:
    mocks = Mocks({"part": NodeMock((Rule(None, Script((Outcome("finished", {}, after=4.0),))),))})
    run = play(limited({"key": "parts", "max": 1}), mocks=mocks)
    assert spans(run) == [(0.0, 4.0), (4.0, 8.0), (8.0, 12.0)]


def test_flows_that_wait_for_each_other_are_named() -> None:
    flows = {
        "main": ["-> left right"],
        "left": {"edges": ["-> A", "A -> takes_b"], "limit": {"key": "a", "max": 1}},
        "right": {"edges": ["-> A", "A -> takes_a"], "limit": {"key": "b", "max": 1}},
        "takes_a": {"edges": ["-> C"], "limit": {"key": "a", "max": 1}},
        "takes_b": {"edges": ["-> C"], "limit": {"key": "b", "max": 1}},
    }
    run = play(build(flows), durations={"A": 1})
    assert run.status != "success"
    assert run.report()["error"] in (
        'takes_b is queued: it waits for the only place under the key "b", held by right, which does not end',
        'takes_a is queued: it waits for the only place under the key "a", held by left, which does not end',
    )


@pytest.mark.parametrize("when_full", ["queue", "skip"])
def test_workers_decide_the_same(when_full: str) -> None:
    top = {"edges": THREE, "failures": ["part -> C"]}
    plan = limited({"key": "parts", "max": 2, "when_full": when_full}, top)
    run = play(plan, durations={"A": 5})
    world = World(plan, selinon_inline_count=0)
    id = world.start("main")
    world.work()
    found = describe(world.store, world.workers[0].flow_versions, id)
    assert found["status"] == run.status
    # Node runs of the flow at the top, by name: the same ones are started.
    assert sorted(node["name"] for node in found["nodes"]) == sorted(
        node["name"] for node in run.nodes if node["name"] in ("part", "C")
    )
