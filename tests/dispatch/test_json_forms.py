"""What is kept between two steps of a flow run comes back from JSON as it was."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from selinon_core.dispatch import FlowOutcome, SelectiveRun
from tests.dispatch.plans import edge, flow, plan
from tests.dispatch.play import Play

names = st.text(min_size=1, max_size=5)
ids = st.dictionaries(names, st.lists(names, max_size=3), max_size=3)
selective_runs = st.builds(
    SelectiveRun,
    st.lists(names, max_size=3).map(tuple),
    st.dictionaries(
        names, st.dictionaries(st.integers(0, 99), st.lists(names, max_size=3).map(tuple), max_size=3), max_size=3
    ),
)


def _outcomes(below: st.SearchStrategy[dict[str, list[FlowOutcome]]]) -> st.SearchStrategy[FlowOutcome]:
    active = st.lists(st.fixed_dictionaries({"name": names, "id": names}), max_size=2)
    return st.builds(
        FlowOutcome,
        st.booleans(),
        ids,
        ids,
        active,
        below,
        reason=st.none() | names,
        timed_out=st.booleans(),
        cancelled=st.booleans(),
        unreached=st.lists(names, max_size=3).map(tuple),
    )


outcomes = st.recursive(
    _outcomes(st.just({})),
    lambda inner: _outcomes(st.dictionaries(names, st.lists(inner, max_size=2), max_size=2)),
    max_leaves=5,
)


@given(selective_runs)
def test_selective_runs(selective: SelectiveRun) -> None:
    assert SelectiveRun.from_json(json.loads(json.dumps(selective.to_json()))) == selective


@given(outcomes)
def test_outcomes(outcome: FlowOutcome) -> None:
    again = FlowOutcome.from_json(json.loads(json.dumps(outcome.to_json())))
    assert again.to_json() == outcome.to_json()
    assert again.state == outcome.state
    assert (again.succeeded, again.reason, again.unreached) == (
        outcome.succeeded,
        outcome.reason,
        outcome.unreached,
    )
    assert (again.timed_out, again.cancelled) == (outcome.timed_out, outcome.cancelled)
    assert again.subflows.keys() == outcome.subflows.keys()


def test_an_outcome_from_a_run() -> None:
    play = Play(plan(flow("main", [edge(None, "A S"), edge("A", "B")]), subflows="S"))
    ended = FlowOutcome(True, {"T": ["t1"]}, {}, [], {})
    outcome = play.ok("A", "B").ok("S", outcome=ended).outcome
    assert json.loads(json.dumps(outcome.to_json())) == {
        "succeeded": True,
        "finished": {"A": ["run-1"], "B": ["run-3"], "S": ["run-2"]},
        "failed": {},
        "active": [],
        "subflows": {"S": [ended.to_json()]},
        "reason": None,
        "timed_out": False,
        "cancelled": False,
        "unreached": [],
    }
