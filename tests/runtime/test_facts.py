"""The facts of a run: what a second implementation finds in its trace events, and what they say in known runs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selinon_core.errors import FatalTaskError, Retry, TaskTimeout
from selinon_core.local import LocalRun
from selinon_core.plan import Plan
from selinon_core.runtime.facts import Facts
from tests.dispatch.flows import plans, starts
from tests.local import trying
from tests.local.trying import build, each, failing, holding
from tests.runtime import random_runs

RELAXED = settings(deadline=None, report_multiple_bugs=False, suppress_health_check=list(HealthCheck))


# -- a second opinion -------------------------------------------------------------------------------------------


@given(st.data(), plans(), st.integers(0, 10**6))
@RELAXED
def test_facts_say_what_the_trace_events_say(data: st.DataObject, plan: Plan, seed: int) -> None:
    start = data.draw(starts(plan))
    run = random_runs.play(plan, seed, start.args, start.selective)
    assert from_facts(run.facts) == from_events(run)


def from_facts(facts: Facts) -> dict[str, Any]:
    return {
        "conditions": [
            (f.flow_run.id, f.edge.index, ids(f.sources), f.condition, f.time)
            for f in facts.edges
            if f.condition is not None
        ],
        "items": sorted(
            (f.flow_run.id, f.edge.index, ids(f.sources), f.items) for f in facts.edges if f.items is not None
        ),
        "fallback conditions": [
            (f.flow_run.id, list(f.failure.nodes), f.condition, f.time)
            for f in facts.fallbacks
            if f.condition is not None
        ],
        "fallbacks": sorted(
            (f.flow_run.id, list(f.failure.nodes), ids(f.handled), ids(f.started), f.time)
            for f in facts.fallbacks
            if f.used
        ),
        "attempts": [(f.node.run.id, f.attempt, f.will_retry, f.is_timeout, f.time) for f in facts.attempts],
        "flow retries": [(f.flow_run.id, f.outcome.reason, f.time) for f in facts.flow_retries],
        "eager": [run.id for run in facts.eager],
        "considered": facts.considered(),
        "fired": facts.fired(),
    }


def ids(runs: tuple[Any, ...]) -> list[str]:
    return [run.id for run in runs]


def from_events(run: LocalRun) -> dict[str, Any]:
    """The same, worked out from the expanded trace."""
    events = [(event.event, event.time, event.details) for event in run.events]
    edges = {"EDGE_COND_TRUE": True, "EDGE_COND_FALSE": False}
    fallbacks = {"FALLBACK_COND_TRUE": True, "FALLBACK_COND_FALSE": False}
    attempts = {"TASK_RETRY": True, "TASK_FAILURE": False}
    late = {(d["task_id"], d["attempt"]) for name, _, d in events if name == "TASK_TIMEOUT"}
    return {
        "conditions": [
            (d["dispatcher_id"], d["edge"], list(d["parent"].values()), edges[name], time)
            for name, time, d in events
            if name in edges
        ],
        "items": sorted(
            (d["dispatcher_id"], d["edge"], list(d["parent"].values()), d["count"])
            for name, _, d in events
            if name == "FOREACH_RESULT"
        ),
        "fallback conditions": [
            (d["dispatcher_id"], d["nodes"], fallbacks[name], time)
            for name, time, d in events
            if name in fallbacks
        ],
        "fallbacks": sorted(
            (
                d["dispatcher_id"],
                sorted({node["name"] for node in d["nodes"]}),
                [node["id"] for node in d["nodes"]],
                [node["id"] for node in d["started"]],
                time,
            )
            for name, time, d in events
            if name == "FALLBACK_START"
        ),
        "attempts": [
            (d["task_id"], d["attempt"], attempts[name], (d["task_id"], d["attempt"]) in late, time)
            for name, time, d in events
            if name in attempts
        ],
        "flow retries": [
            (d["dispatcher_id"], d["reason"], time)
            for name, time, d in events
            if name == "FLOW_FAILURE" and d["will_retry"]
        ],
        "eager": [d["node_id"] for name, _, d in events if name == "EAGER_FAILURE"],
        "considered": edge_counts(run, "considered"),
        "fired": edge_counts(run, "fired"),
    }


def edge_counts(run: LocalRun, what: str) -> dict[tuple[str, int], int]:
    return {(row["flow"], row["index"]): row[what] for row in run.edges if row[what]}


# -- what they say ----------------------------------------------------------------------------------------------


def test_a_condition_and_the_foreach_behind_it_are_one_fact() -> None:
    plan = build({"main": ["-> A", ("A -> B", holding() | each())]})
    run = trying.play(plan, does={"holds": lambda *_: True, "items": lambda *_: [1, 2, 3]})
    (fact,) = run.facts.edges
    assert (fact.edge.index, fact.condition, fact.leaves, fact.items) == (1, True, (True,), 3)
    assert [source.name for source in fact.sources] == ["A"]


def test_a_condition_that_says_no_leaves_the_items_open() -> None:
    plan = build({"main": ["-> A", ("A -> B", holding() | each())]})
    run = trying.play(plan, does={"holds": lambda *_: False})
    assert [(fact.condition, fact.items) for fact in run.facts.edges] == [(False, None)]


def test_leaves_that_were_not_evaluated_have_no_truth() -> None:
    either = {"condition": {"or": [{"name": "holds"}, {"name": "allows"}]}}
    plan = build({"main": ["-> A", ("A -> B", either)]})
    run = trying.play(plan, does={"holds": lambda *_: True})
    assert [fact.leaves for fact in run.facts.edges] == [(True, None)]


def test_an_edge_without_condition_and_foreach_is_counted_and_nothing_else() -> None:
    run = trying.play(build({"main": ["-> A A", "A -> B"]}))
    assert run.facts.edges == []
    assert run.facts.considered() == run.facts.fired() == {("main", 0): 1, ("main", 1): 2}


def test_a_fallback_is_considered_once_more_for_each_further_set_it_takes() -> None:
    entry = ("A -> B", {"condition": {"name": "allows"}})
    plan = build({"main": {"edges": ["-> A A"], "failures": [entry]}})
    run = trying.play(plan, does={"allows": lambda *_: True, "A": failing(2)})
    facts = run.facts.fallbacks
    assert [(fact.condition, fact.used, len(fact.handled)) for fact in facts] == [(True, True, 1), (None, True, 1)]
    assert [run.name for fact in facts for run in fact.started] == ["B", "B"]


def test_a_fallback_whose_condition_holds_may_find_its_runs_taken() -> None:
    larger, smaller = "A B -> C", ("A -> D", {"condition": {"name": "allows"}})
    plan = build({"main": {"edges": ["-> A B"], "failures": [larger, smaller]}})
    run = trying.play(plan, does={"allows": lambda *_: True, "A": failing(1), "B": failing(1)})
    used = {fact.failure.nodes: (fact.condition, fact.used) for fact in run.facts.fallbacks}
    assert used == {("A",): (True, False), ("A", "B"): (None, True)}


def test_attempts_say_why_they_ended() -> None:
    outcomes = iter([Retry(5), ValueError("no"), TaskTimeout("late"), FatalTaskError("over")])

    def act(task: Any, node_args: Any) -> None:
        raise next(outcomes)

    run = trying.play(build({"main": "-> A"}, {"A": {"max_retry": 5, "retry_countdown": 1}}), does={"A": act})
    ended = [(f.attempt, type(f.error).__name__, f.is_timeout, f.will_retry, f.time) for f in run.facts.attempts]
    assert ended == [
        (1, "NoneType", False, True, 0.0),
        (2, "ValueError", False, True, 5.0),
        (3, "TaskTimeout", True, True, 6.0),
        (4, "FatalTaskError", False, False, 7.0),
    ]


def test_attempts_of_flows_and_eager_failures_are_facts() -> None:
    flow = {"edges": ["-> A B"], "eager_failures": ["A"], "max_retry": 1, "retry_countdown": 3}
    run = trying.play(build({"main": flow}), does={"A": failing(1)})
    (retried,) = run.facts.flow_retries
    assert retried.flow_run is run.facts.root
    assert (retried.time, retried.outcome.succeeded) == (0.0, False)
    assert [node.name for node in run.facts.eager] == ["A"]
    assert run.status == "success"


def test_facts_of_a_stopped_run_are_what_there_was() -> None:
    plan = build({"main": ["-> A", ("A -> A", holding())]})
    run = trying.play(plan, does={"holds": lambda *_: True}, max_steps=5)
    assert run.stopped_by is not None
    assert len(run.facts.nodes) >= 5
    assert all(fact.condition for fact in run.facts.edges)


def test_facts_are_worked_out_once() -> None:
    run = trying.play(build({"main": "-> A"}))
    assert run.facts is run.facts
    assert run.facts.lineage is run.facts.lineage


@pytest.mark.parametrize("name", ["root", "flows", "nodes"])
def test_facts_know_the_records_of_the_run(name: str) -> None:
    run = trying.play(build({"main": "-> S", "S": "-> A"}))
    expected = {"root": run.id, "flows": ["main", "S"], "nodes": ["S", "A"]}
    actual = {
        "root": run.facts.root.id,
        "flows": [record.flow.name for record in run.facts.flows],
        "nodes": [record.run.name for record in run.facts.nodes],
    }
    assert actual[name] == expected[name]
