"""What a rerun reuses, and which run made it: from a report, a trace, a history and the workers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from selinon_cli.render.run_tree import run_tree
from selinon_core.celery.reporting.run_history import history
from selinon_core.celery.reporting.run_status import describe
from selinon_core.explaining.answers import Answer, Answers
from selinon_core.explaining.event_facts import TraceView
from selinon_core.explaining.report_facts import ReportView
from selinon_core.local import LocalRun
from selinon_core.simulating.world import World
from tests.celery.broken_tasks import BROKEN, NESTED, broken_plan, set_up
from tests.celery.rerunning import rerun
from tests.explaining.live_situations import view
from tests.local.trying import build, failing
from tests.rerunning.recording import play, play_again, preview, report_of

PLAN = build({"main": ["-> A", "A -> B", "B -> C"]})


def local_runs() -> list[LocalRun]:
    """A run in which ``B`` failed, its rerun in which ``C`` failed, and the rerun of that."""
    first = play(PLAN, None, {"B": failing(9)})
    second = play_again(PLAN, preview(PLAN, first), {"C": failing(9)})
    return [first, second, play_again(PLAN, preview(PLAN, report_of(PLAN, second)))]


def workers_run(plan: Any, *broken: str) -> tuple[World, list[str]]:
    """The same on simulated workers: the ids of the runs."""
    world = World(plan, workers=1)
    ids: list[str] = []
    for task in (*broken, ""):
        set_up(task)
        ids.append(rerun(world, ids[-1]) if ids else world.start("f"))
        world.work()
    BROKEN.clear()
    return world, ids


def of(seen: Any, node: str) -> Answer:
    (answer,) = Answers(seen).of_node(node)
    return answer


def made_by(answer: Answer) -> str:
    """The flow run that an answer names; ``given`` for a result that was given."""
    (reason,) = answer.because
    assert answer.verdict == "reused"
    assert answer.subject["id"] in reason.text or reason.kind == "given"
    return "given" if reason.kind == "given" else reason.text.split("flow run ")[1].split()[0]


def test_a_report_names_the_run_that_made_a_result() -> None:
    first, second, third = local_runs()
    seen = ReportView(PLAN, report_of(PLAN, third))
    assert [made_by(of(seen, name)) for name in "AB"] == [first.id, second.id]
    assert of(seen, "C").verdict == "ran"
    text = of(seen, "A").because[0].text
    assert text == f"its result is that of node run {first.facts.nodes[0].run.id} in flow run {first.id}"


def test_a_trace_names_the_run_that_made_a_result_as_far_as_it_goes_back() -> None:
    runs = local_runs()
    events = [json.loads(json.dumps(line)) for run in runs for line in run.trace()]
    seen = TraceView(PLAN, events, runs[2].id)
    assert [made_by(of(seen, name)) for name in "AB"] == [runs[0].id, runs[1].id]
    alone = TraceView(PLAN, runs[2].trace())
    assert {made_by(of(alone, name)) for name in "AB"} == {runs[1].id}


def test_a_run_on_workers_names_the_run_that_made_a_result() -> None:
    plan = broken_plan("  - name: f\n    edges: [{from: , to: A}, {from: A, to: B}, {from: B, to: C}]\n")
    world, ids = workers_run(plan, "f.B", "f.C")
    seen = view(world, ids[2])
    assert [made_by(of(seen, name)) for name in "AB"] == ids[:2]
    services = world.workers[0]
    events = [event for id in ids for event in history(plan, services.store, services.flow_versions, id)]
    told = TraceView(plan, events, ids[2])
    assert [made_by(of(told, name)) for name in "AB"] == ids[:2]
    world.store.forget(ids[:2])
    assert made_by(of(view(world, ids[2]), "A")) == ids[1]  # the store goes back no further


def test_the_status_of_a_rerun_names_the_runs_that_made_what_it_reuses() -> None:
    plan = broken_plan("  - name: f\n    edges: [{from: , to: A}, {from: A, to: B}, {from: B, to: C}]\n")
    world, ids = workers_run(plan, "f.B", "f.C")
    services = world.workers[0]
    status = describe(services.store, services.flow_versions, ids[2])
    nodes = {node["name"]: node for node in status["nodes"]}
    assert [nodes[name].get("reused_from", "it ran") for name in "ABC"] == [*ids[:2], "it ran"]
    tree = run_tree(status, color=False)
    assert f"\n  runs {ids[1]} again\n" in tree
    assert f"\n  A  reused  made by {ids[0]}\n" in tree
    assert f"\n  B  reused  made by {ids[1]}\n" in tree
    first = describe(services.store, services.flow_versions, ids[0])
    assert not any("reused_from" in node for node in first["nodes"])


def test_the_status_says_of_a_given_result_that_it_was_given() -> None:
    plan = broken_plan("  - name: f\n    edges: [{from: , to: A}, {from: A, to: B}]\n")
    set_up("f.A")
    world = World(plan, workers=1)
    id = world.start("f")
    world.work()
    services = world.workers[0]
    status = describe(services.store, services.flow_versions, rerun(world, id, give={"A": 7}))
    assert [node.get("reused_from", "it ran") for node in status["nodes"]] == [None, "it ran"]
    assert "\n  A  reused  given\n" in run_tree(status, color=False)


def test_results_of_many_node_runs_are_made_by_few_runs() -> None:
    nodes = [
        {"name": "A", "status": "reused", "attempts": 1, "since": None, "reused_from": f"run{number % 5}"}
        for number in range(6)
    ]
    run = {
        "id": "r",
        "flow": "f",
        "status": "success",
        "created": 1.0,
        "updated": 2.0,
        "nodes": nodes,
        "timers": {},
    }
    assert "A  6 reused  made by run0, run1, run2 and 2 more\n" in run_tree({**run, "nodes": nodes}, color=False)


def test_a_run_that_many_node_runs_come_from_is_read_once() -> None:
    plan = broken_plan("  - name: f\n    edges: [{from: , to: A}, {from: , to: C}, {from: [A, C], to: B}]\n")
    world, ids = workers_run(plan, "f.B", "f.B")
    services = world.workers[0]
    asked: list[str] = []
    read = services.store.header

    class Counted:
        def __getattr__(self, name: str) -> Any:
            return getattr(services.store, name)

        def header(self, id: str) -> Any:
            asked.append(id)
            return read(id)

    status = describe(Counted(), services.flow_versions, ids[2])
    assert [node.get("reused_from") for node in status["nodes"]][:2] == [ids[0], ids[0]]
    assert asked.count(ids[1]) == 1


def test_a_sub_flow_that_is_entered_names_the_run_at_the_top() -> None:
    world, ids = workers_run(broken_plan(NESTED), "g.B", "f.D")
    seen = view(world, ids[2])
    assert made_by(of(seen, "g")) == ids[1]
    entered = view(world, ids[1])
    assert made_by(of(entered, "g/A")) == ids[0]
    assert made_by(of(entered, "g/h")) == ids[0]


@pytest.mark.parametrize("on_workers", [False, True])
def test_a_result_that_was_given_is_of_no_run(on_workers: bool) -> None:
    if on_workers:
        plan = broken_plan("  - name: f\n    edges: [{from: , to: A}, {from: A, to: B}]\n")
        set_up("f.A")
        world = World(plan, workers=1)
        id = world.start("f")
        world.work()
        new = rerun(world, id, give={"A": 7})
        assert made_by(of(view(world, new), "A")) == "given"
        return
    run = play(PLAN, None, {"A": failing(9)})
    again = play_again(PLAN, preview(PLAN, run, give={"A": 7}))
    assert made_by(of(ReportView(PLAN, report_of(PLAN, again)), "A")) == "given"
    assert made_by(of(TraceView(PLAN, again.trace()), "A")) == "given"
