"""Every reason why a node was not started, as a value."""

from __future__ import annotations

import json
from typing import Any

from selinon_core.dispatch import select
from selinon_core.explaining.reasons import NotStarted, not_started
from selinon_core.local import LocalExecutor, LocalOptions, LocalRun
from selinon_core.plan import Plan
from tests.local import trying
from tests.local.trying import build, each, failing, holding


def found(run: LocalRun) -> dict[str, list[str]]:
    return {f"{one.flow}/{one.node}": [reason.reason for reason in one.because] for one in not_started(run.facts)}


def only(run: LocalRun) -> NotStarted:
    (one,) = not_started(run.facts)
    return one


def join_in_two_attempts() -> LocalRun:
    """``A`` finishes in the first attempt only, ``B`` in the second only."""
    plan = build(
        {
            "main": {
                "edges": ["-> A B", "A B -> C"],
                "failures": ["A -> X"],
                "max_retry": 1,
                "eager_failures": ["B"],
            }
        }
    )
    return trying.play(plan, does={"A": fails_at(2), "B": failing(1)})


def fails_at(call: int) -> Any:
    calls = iter(range(1, 100))

    def act(task: Any, node_args: Any) -> None:
        if next(calls) == call:
            raise ValueError("this time")

    return act


def test_a_false_condition_has_its_tree_with_the_values_of_the_leaves() -> None:
    either = {"condition": {"or": [{"name": "holds"}, {"not": {"name": "holds"}}]}}
    said = iter([False, True])
    run = trying.play(build({"main": ["-> A", ("A -> B", either)]}), does={"holds": lambda *_: next(said)})
    (reason,) = only(run).because
    assert (reason.reason, reason.edge) == ("condition_false", 1)
    assert reason.text.startswith("the condition was false: ")
    assert reason.condition == {
        "or": [
            {"name": "holds", "node": "A", "args": {}, "value": False},
            {"not": {"name": "holds", "node": "A", "args": {}, "value": True}},
        ]
    }


def test_a_foreach_that_yields_nothing() -> None:
    run = trying.play(build({"main": ["-> A", ("A -> B", each())]}), does={"items": lambda *_: []})
    assert found(run) == {"main/B": ["foreach_yielded_nothing"]}


def test_sources_that_failed_or_never_ran_are_named() -> None:
    run = trying.play(build({"main": ["-> A B", "A -> C", "C B -> D"]}), does={"A": failing(1)})
    assert found(run) == {"main/C": ["source_failed"], "main/D": ["source_never_ran"]}
    assert [one.because[0].text for one in not_started(run.facts)] == ["A failed", "C never ran"]


def test_there_is_one_reason_for_each_edge() -> None:
    plan = build({"main": ["-> A B", ("A -> C", holding()), "B -> C"]})
    run = trying.play(plan, does={"holds": lambda *_: False, "B": failing(1)})
    assert found(run) == {"main/C": ["condition_false", "source_failed"]}


def test_a_flow_that_ended_before_an_edge_was_decided() -> None:
    plan = build({"main": [("-> A", holding("allows")), ("-> B", holding("allows"))]})
    run = trying.play(plan, does={"allows": lambda *_: 1 / 0})
    assert {reason for reasons in found(run).values() for reason in reasons} == {"ended_before_decided"}


def test_a_flow_that_was_cancelled_while_a_source_ran() -> None:
    run = trying.play(build({"main": ["-> A", "A -> B"]}), durations={"A": 9}, at=((1, "cancel"),))
    assert found(run) == {"main/B": ["ended_before_considered"]}


def test_what_a_selective_run_leaves_out() -> None:
    plan = build({"main": ["-> A", "A -> B", "A -> C D"]})
    trying.behaviours.clear()
    run = LocalExecutor(plan).run("main", None, select(plan, "main", ["C"]))
    assert found(run) == {"main/B": ["left_out"], "main/D": ["left_out"]}


def test_sub_flows_are_looked_at_by_themselves() -> None:
    plan = build({"main": "-> S T", "S": ["-> A", ("A -> B", holding())], "T": "-> A"})
    run = trying.play(plan, does={"holds": lambda *_: False})
    assert found(run) == {"S/B": ["condition_false"]}


def test_sources_that_finished_in_different_attempts() -> None:
    assert found(join_in_two_attempts())["main/C"] == ["sources_never_together"]


def test_a_source_that_still_runs() -> None:
    seen: list[dict[str, list[str]]] = []

    def look(what: str, record: Any) -> None:
        run = executor.so_far()
        if what == "started" and run is not None:
            seen.append(found(run))

    executor = LocalExecutor(build({"main": ["-> A", "A -> B"]}), LocalOptions(observer=look))
    trying.behaviours.clear()
    executor.run("main")
    assert seen[0] == {"main/B": ["source_did_not_finish"]}


def test_reasons_are_json() -> None:
    plan: Plan = build({"main": ["-> A", ("A -> B", holding())]})
    run = trying.play(plan, does={"holds": lambda *_: False})
    value = json.loads(json.dumps(only(run).to_json()))
    assert (value["flow"], value["node"], value["because"][0]["reason"]) == ("main", "B", "condition_false")
