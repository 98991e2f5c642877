"""Ended runs are run again by simulated workers: what is reused never runs, in whichever order messages come."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from selinon_core.celery.reporting.run_history import history
from selinon_core.dispatch import flow_indexes
from selinon_core.errors import RequestError, UnknownRunError
from selinon_core.migrations.replay import Replay, ReplayMismatch
from selinon_core.plan import Plan
from selinon_core.plan.flow_diff import MigrationStep, compare_flows
from selinon_core.rerunning.rows import Rows
from selinon_core.simulating.world import World
from tests.celery.broken_tasks import BROKEN, NESTED, SUCCEEDED, broken_plan, set_up
from tests.celery.rerunning import comparable, labels, planned, rerun, reruns, send, stored
from tests.local import trying
from tests.local.trying import build, each, holding

BREAKS = [("f.A",), ("f.C", "g.A"), ("h.C",), ("h.C", "g.A", "f.D"), ("g.B", "f.E", "f.B")]


def failed(*breaks: str, plan: Plan | None = None, **world: Any) -> tuple[World, str]:
    """A run in which these tasks were broken, and are not any more."""
    set_up(*breaks)
    found = World(broken_plan(NESTED) if plan is None else plan, **world)
    id = found.start("f", {"n": 1})
    found.work()
    BROKEN.clear()
    return found, id


@pytest.mark.parametrize("breaks", BREAKS, ids=",".join)
@pytest.mark.parametrize("seed", range(3))
def test_a_rerun_ends_as_the_undisturbed_run(breaks: tuple[str, ...], seed: int) -> None:
    faults: Any = {"crash": 0.03, "duplicate": 0.2} if seed else {}
    world, id = failed(*breaks, seed=seed, workers=3, shuffle=bool(seed), **faults)
    assert world.results[id][0] == "failure"
    before, log = dict(SUCCEEDED), world.store.read(id)
    new = rerun(world, id, "state:failed", "state:unfinished", "state:handled")
    assert world.results[new][0] == "success"
    reused = {record.run.id for record in stored(world, new).records if record.run.id in before}
    assert reused, "something was there to be reused"
    assert all(SUCCEEDED[id] == times for id, times in before.items()), "nothing that succeeded runs again"
    assert world.store.read(id) == log, "the recorded run stays as it is"
    undisturbed, same = failed()
    assert comparable(stored(world, new)) == comparable(stored(undisturbed, same))


def test_what_a_new_run_says_of_itself() -> None:
    world, id = failed("g.A")
    found = planned(world, id)
    assert labels(found) == {"again": ["g", "g/A"], "then": ["D"], "reuse": ["A", "B", "g/h", "g/B", "C"]}
    new = send(world, found)
    world.work()
    header = world.store.header(new)
    assert header is not None
    assert header["format"] == "6"
    asked = json.loads(header["rerun"])
    assert (asked["of"], asked["origin"], asked["select"]) == (id, id, ["state:failed", "state:unfinished"])
    row = world.store.index.get(new)
    assert row is not None
    assert (row.rerun_of, row.status, row.args) == (id, "success", '{"n":1}')
    again = rerun(world, new, "D")
    asked = json.loads((world.store.header(again) or {})["rerun"])
    assert (asked["of"], asked["origin"]) == (new, id)


def test_runs_of_sub_flows_that_are_reused_have_no_new_log() -> None:
    world, id = failed("f.D")
    before = set(world.store.runs(100)) | set(world.results)
    new = rerun(world, id)
    assert set(world.results) - before == {new}
    assert [r.run.status for r in stored(world, new).records if r.run.name == "g"] == ["reused"]


def test_a_member_of_a_reused_sub_flow_can_be_selected_in_a_rerun_of_a_rerun() -> None:
    world, id = failed("f.D")
    first = rerun(world, id)
    before = dict(SUCCEEDED)
    found = planned(world, first, "h/C")
    assert labels(found)["again"] == ["g", "g/h", "g>h/C"]
    second = send(world, found)
    world.work()
    assert world.results[second][0] == "success"
    fresh = [id for id in SUCCEEDED if id not in before]
    names = sorted(r.run.name for r in stored(world, second).records if r.run.id in fresh)
    assert names == ["B", "C", "D", "E"], "C in h, what depends on it there, in g and in f"


def test_the_recorded_run_counts_as_it_was_when_the_rerun_was_asked_for() -> None:
    world, id = failed("f.C", "g.A")
    found = planned(world, id)
    new = send(world, found)
    world.broker.queue.clear()
    world.now = max(world.now, found.at + 1.0)
    world.retry("f", id)  # it goes on in place before a worker begins the rerun
    world.work()
    assert world.results[id][0] == "success"
    world.broker.send([reruns(world).message(found)._replace(task_id=new)])
    world.work()
    late = next(run for run in world.results if run != id and world.store.header(run)["flow"] == "f")  # type: ignore[index]
    statuses = {r.run.name: r.run.status for r in stored(world, late).records if r.flow_run.id == late}
    assert statuses["C"] == "success", "it had failed then, so it is not reused"


@pytest.mark.parametrize("storage", [None, "Kept"])
def test_a_task_that_gets_a_result_does_not_run(storage: str | None) -> None:
    plan = broken_plan(NESTED, f", storage: {storage}" if storage else "", storages=bool(storage))
    world, id = failed("f.C", plan=plan)
    before = dict(SUCCEEDED)
    found = planned(world, id, give={"C": {"x": 1}})
    assert labels(found)["given"] == ["C"]
    new = send(world, found)
    world.work()
    records = stored(world, new).records
    assert [r.run.name for r in records if SUCCEEDED[r.run.id] and r.run.id not in before] == ["D"]
    given = next(r.run.id for r in records if r.run.name == "C" and r.flow_run.id == new)
    if storage:
        assert world.workers[0].storages.retrieve("f", "C", given) == {"x": 1}


def test_other_arguments() -> None:
    world, id = failed("f.C")
    assert labels(planned(world, id, args={"n": 1})) == labels(planned(world, id)), "they are the same"
    before = dict(SUCCEEDED)
    new = rerun(world, id, args={"n": 2})
    assert world.results[new][0] == "success"
    row = world.store.index.get(new)
    assert row is not None
    assert row.args == '{"n":2}'
    again = {r.run.name for r in stored(world, new).records if r.run.id not in before and not r.run.is_flow}
    assert {"A", "B", "C", "D"} <= again


@pytest.mark.parametrize("breaks", BREAKS, ids=",".join)
def test_histories_of_reruns_can_be_checked_against_a_flow(breaks: tuple[str, ...]) -> None:
    """As ``selinon migrate check`` does with the histories of production."""
    world, id = failed(*breaks)
    again = rerun(world, rerun(world, id), "A", "g/h")
    plan, versions = world.plans[0], world.workers[0].flow_versions
    for flow_run in (again, id):
        events = history(plan, world.store, versions, flow_run)
        for flow, table in flow_indexes(plan).items():
            replay = Replay(table, plan.flows[flow], (), "warn")
            for event in events:
                if event.get("flow_name") == flow:
                    replay.take(event["event"], event)


@pytest.mark.parametrize(
    ("edge", "message"),
    [
        ("      - {from: [g, C], to: D}\n", "there is no edge g, C -> D in the new flow"),
        ("      - {from: [A, B], to: C}\n", "C was reused, which the new flow does not start"),
    ],
)
def test_a_rerun_is_not_what_another_flow_does(edge: str, message: str) -> None:
    world, id = failed("f.D")
    again = rerun(world, id)
    flows = NESTED.replace(edge, "")
    if edge.endswith("to: C}\n"):
        flows = flows.replace("[g, C]", "g")
    was, now = world.plans[0].flows["f"], broken_plan(flows)
    events = history(world.plans[0], world.store, world.workers[0].flow_versions, again)
    steps = [MigrationStep(1, "IGNORE", compare_flows(was, now.flows["f"]))]
    replay = Replay(flow_indexes(now)["f"], was, steps, "warn")

    def replayed() -> None:
        for event in events:
            if event.get("flow_name") == "f":
                replay.take(event["event"], event)

    with pytest.raises(ReplayMismatch, match=message):
        replayed()


def test_a_rerun_that_fails_goes_on_in_place() -> None:
    world, id = failed("f.C", "g.A")
    BROKEN.add("g.A")
    new = rerun(world, id)
    assert world.results[new][0] == "failure"
    BROKEN.clear()
    before = dict(SUCCEEDED)
    world.retry("f", new)
    world.work()
    assert world.results[new][0] == "success"
    assert all(SUCCEEDED[id] == times for id, times in before.items())


# -- what is refused ----------------------------------------------------------------------------------------------


def refusal(world: World, id: str, *select: str, **request: Any) -> str:
    with pytest.raises(RequestError) as caught:
        send(world, planned(world, id, *select, **request))
    return str(caught.value)


def test_runs_that_cannot_be_run_again() -> None:
    world, id = failed("f.C")
    with pytest.raises(UnknownRunError, match="its state was removed since"):
        planned(world, "nowhere")
    below = next(record.run.id for record in stored(world, id).records if record.run.name == "g")
    assert refusal(world, below).startswith(f"flow run {below} is that of a sub-flow: run flow run {id} again")
    open = world.start("f")
    world.work_some(1)
    assert "is running: it can be run again when it has ended" in refusal(world, open)
    world.work()
    never = world.start("f")
    world.broker.queue.clear()
    world.cancel("f", never)
    world.work()
    assert "never began" in refusal(world, never)
    new = rerun(world, id)
    assert "nothing of flow run" in refusal(world, new)
    assert "no node Nope ran" in refusal(world, id, "Nope")


STORED = """
  - name: f
    edges: [{from: , to: [A, s]}, {from: [A, s], to: B}]
  - name: s
    edges: [{from: , to: [C, D]}]
"""


def storing(more: str = "") -> Plan:
    return broken_plan(STORED + more, ", storage: Kept", storages=True)


def test_results_that_are_gone_are_named() -> None:
    world, id = failed("f.B", plan=storing())
    services = world.workers[0]
    gone = next(r for r in stored(world, id).records if r.run.name == "A")
    services.storages.delete("f", "A", gone.run.id)
    found = planned(world, id)
    assert found.missing == [("A", "storage Kept does not have its result any more")]
    assert refusal(world, id) == (
        "A cannot be reused: storage Kept does not have its result any more; select them, or give results"
    )
    assert world.results[rerun(world, id, "state:failed", "A")][0] == "success"


def test_what_depends_on_an_equal_result_is_reused_if_asked_for() -> None:
    world, id = failed(plan=storing())
    before = dict(SUCCEEDED)
    new = rerun(world, id, "A", "s/C", if_changed=True)
    assert world.results[new][0] == "success"
    fresh = [r.run.name for r in stored(world, new).records if SUCCEEDED[r.run.id] and r.run.id not in before]
    assert sorted(fresh) == ["A", "B", "C"], "the run of s is another one, and it has no output"
    again = rerun(world, id, "A", if_changed=True)
    names = {r.run.name: r.run.status for r in stored(world, again).records if r.flow_run.id == again}
    assert names == {"A": "success", "s": "reused", "B": "reused"}
    gone = next(r.run.id for r in stored(world, id).records if r.run.name == "B")
    found = planned(world, id, "A", if_changed=True)
    world.workers[0].storages.delete("f", "B", gone)
    late = send(world, found)
    world.work()
    names = {r.run.name: r.run.status for r in stored(world, late).records if r.flow_run.id == late}
    assert names == {"A": "success", "s": "reused", "B": "success"}, "its result went away meanwhile"


@pytest.mark.parametrize("seed", range(3))
def test_conditions_and_foreach_are_asked_again_if_they_are_reconsidered(seed: int) -> None:
    plan = build({"main": ["-> A", ("A -> B", each(True)), ("A -> C", holding()), "-> D"]})
    said: dict[str, Any] = {"holds": False, "items": [1]}
    trying.behaviours.clear()
    trying.Remembering.kept.clear()
    trying.behaviours.update({name: lambda *_, name=name: said[name] for name in said})
    trying.behaviours["D"] = trying.failing(3)
    faults: Any = {"crash": 0.03, "duplicate": 0.2} if seed else {}
    world = World(plan, workers=2, seed=seed, shuffle=bool(seed), **faults)
    ids = [world.start("main")]
    world.work()
    said.update(holds=True, items=[1, 2, 3])
    ids += [rerun(world, ids[0], "D"), rerun(world, ids[0], "D", reconsider=True)]
    assert [names_in(world, id) for id in ids] == [
        {"A": 1, "B": 1, "D": 1},
        {"A": 1, "B": 1, "D": 1},
        {"A": 1, "B": 3, "C": 1, "D": 1},
    ]
    by_name = {record.run.name: record.run.status for record in stored(world, ids[2]).records}
    assert (by_name["A"], by_name["C"]) == ("reused", "success")


def names_in(world: World, id: str) -> dict[str, int]:
    return dict(Counter(record.run.name for record in stored(world, id).records))


def test_a_first_node_that_is_reused_gives_the_arguments_that_it_gave() -> None:
    flows = """
  - name: f
    node_args_from_first: true
    propagate_node_args: true
    edges: [{from: , to: A}, {from: A, to: s}]
  - name: s
    edges: [{from: , to: B}, {from: B, to: C}]
"""
    world, id = failed("s.C", plan=broken_plan(flows))
    new = rerun(world, id)
    assert world.results[new][0] == "success"
    was, now = stored(world, id), stored(world, new)
    assert [r.run.args for r in now.records] == [r.run.args for r in was.records]
    statuses = {r.run.name: r.run.status for r in now.records}
    assert statuses == {"A": "reused", "s": "success", "B": "reused", "C": "success"}


def test_the_state_of_a_failed_sub_flow_that_was_removed() -> None:
    world, id = failed("s.C", plan=storing())
    below = next(record.run.id for record in stored(world, id).records if record.run.name == "s")
    world.store.forget([below])
    assert planned(world, id).missing == [("s", "the state of its flow run was removed")]
    assert world.results[rerun(world, id, "state:failed", "s")][0] == "success"


def test_the_recorded_run_is_removed_before_a_worker_begins_its_rerun() -> None:
    world, id = failed("f.C")
    new = send(world, planned(world, id))
    world.store.forget([id])
    world.work()
    header = world.store.header(new)
    assert header is not None
    assert header["status"] == "failure"
    assert f"what the flow run is to run again cannot be read: there is no flow run {id}" in header["reason"]


def test_given_results_have_to_fit() -> None:
    world, id = failed("f.C")
    assert "no task is named Nope" in refusal(world, id, give={"Nope": 1})
    assert "g is a flow, and a result can be given to a task only" in refusal(world, id, give={"g": 1})


# -- files that have changed since --------------------------------------------------------------------------------


def changed_since(world: World, plan: Plan) -> None:
    """All workers, and callers, get these files."""
    for worker in range(len(world.workers)):
        world.deploy(worker, plan)


def test_what_is_defined_otherwise_now_runs_again() -> None:
    world, id = failed("g.B", seed=1, workers=3, shuffle=True)
    flows = NESTED.replace("{from: [A, B], to: C}", "{from: [A, B], to: C, condition: {name: alwaysTrue}}")
    changed_since(world, broken_plan(flows, own={"A": ", max_retry: 1"}))
    found = planned(world, id)
    assert {row.node: row.why for row in Rows(found.preview).rows("again", "enter")} == {
        "A": "its task is defined otherwise now",
    }
    assert set(labels(planned(world, id, exclude=("A", "g/A")))["again"]) == {"C", "g", "g/B"}
    before = dict(SUCCEEDED)
    new = send(world, planned(world, id, exclude=("A", "g/A")))
    world.work()
    assert world.results[new][0] == "success"
    names = sorted(
        r.run.name for r in stored(world, new).records if SUCCEEDED[r.run.id] and r.run.id not in before
    )
    assert names == ["B", "C", "D"]


def test_workers_of_before_kept_no_definitions() -> None:
    world, id = failed("f.C")
    for flow_run in list(world.results):
        world.store._runs[flow_run].header.pop("digests")
    changed_since(world, broken_plan(NESTED, own={"A": ", max_retry: 1"}))
    found = planned(world, id)
    assert "A" in labels(found)["reuse"]
    assert found.seen.notes == (
        "workers of before began the run: what has changed in the files since is not known",
    )


def test_a_flow_that_is_gone() -> None:
    world, id = failed("f.C")
    changed_since(world, broken_plan("  - {name: h, edges: [{from: , to: A}]}\n"))
    assert refusal(world, id) == "flow f is not in the files any more"
