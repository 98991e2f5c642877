"""Which lists of outcomes are ambiguous: what is read off a flow, against local runs under many seeds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selinon_core.cases.model import FunctionMock, Mocks, NodeMock, Outcome, Rule, Script
from selinon_core.local import LocalExecutor, LocalOptions
from selinon_core.plan import Plan
from selinon_core.plan.functions import functions_of
from selinon_core.project.case_checks.order import is_unordered
from tests.cases.reading import wrong
from tests.dispatch.flows import plans
from tests.local.trying import build, each, holding
from tests.runtime.random_runs import HERE, runnable

#: What the functions of ``random_runs`` return here.
_VALUES = {"holds": True, "items": [1, 2], "reuse": None}
NOT = {"condition": {"not": {"name": "holds"}}}
#: Conditions of fallbacks that exclude each other.
WHEN, OTHERWISE = {"condition": "args.n > 3"}, {"condition": "3 >= args.n"}


@pytest.mark.parametrize(
    ("flows", "node"),
    [
        ({"f": ["-> A", "A -> T"]}, "T"),
        ({"f": ["-> T", ("T -> T", holding())]}, "T"),
        ({"f": ["-> A", "A -> T", "T -> B", "B -> T"]}, "T"),
        ({"f": ["-> A", ("A -> T", holding()), ("A -> T", NOT)]}, "T"),
        ({"f": ["-> A", ("A -> T", {"condition": "A.n > 3"}), ("A -> T", {"condition": "3 >= A.n"})]}, "T"),
        ({"f": {"edges": ["-> A", "A -> T"], "failures": ["A -> T"]}}, "T"),
        ({"f": {"edges": ["-> A B"], "failures": ["A -> T", "A B -> T"]}}, "T"),
        ({"f": {"edges": ["-> A B C"], "failures": ["A -> T", "A B -> T", "A C -> T", "A B C -> T"]}}, "T"),
        ({"f": {"edges": ["-> A"], "failures": [("A -> T", WHEN), ("A -> T", OTHERWISE)]}}, "T"),
        ({"f": ["-> g", "g -> B"], "g": ["-> T"]}, "T"),
        ({"f": ["-> T", ("T -> f", holding())]}, "T"),
        ({"f": ["-> A", ("A -> B", each())], "g": ["-> T"]}, "T"),
        ({"f": ["-> A B", "A B -> T"]}, "T"),
    ],
)
def test_runs_that_wait_for_each_other_have_an_order(flows: Any, node: str) -> None:
    assert not is_unordered(build(flows), "f", node)


@pytest.mark.parametrize(
    ("flows", "node"),
    [
        ({"f": ["-> T T"]}, "T"),
        ({"f": ["-> A", ("A -> T", each())]}, "T"),
        ({"f": ["-> A", ("A -> B", each()), "B -> T"]}, "T"),
        ({"f": ["-> A", ("A -> B", each()), "A B -> T"]}, "T"),
        ({"f": ["-> A B", "A -> T", "B -> T"]}, "T"),
        ({"f": ["-> A", ("A -> T", holding()), ("A -> T", holding())]}, "T"),
        ({"f": ["-> A", ("A -> T", {"condition": "A.n > 3"}), ("A -> T", {"condition": "A.n > 4"})]}, "T"),
        ({"f": ["-> A", ("A -> T", {"foreach": "A.lines"})]}, "T"),
        ({"f": ["-> T", "T -> A B", "A -> T", "B -> T"]}, "T"),
        ({"f": {"edges": ["-> A B"], "failures": ["A -> T", "B -> T"]}}, "T"),
        ({"f": {"edges": ["-> A"], "failures": ["A -> T", "A -> T"]}}, "T"),
        ({"f": {"edges": ["-> A"], "failures": [("A -> T", {"condition": "args.n > 3"}), "A -> T"]}}, "T"),
        ({"f": ["-> g g"], "g": ["-> T"]}, "T"),
        ({"f": ["-> g h"], "g": ["-> T"], "h": ["-> T"]}, "T"),
        ({"f": ["-> A", ("A -> g", each())], "g": ["-> h"], "h": ["-> T"]}, "T"),
        ({"f": ["-> A", "A -> T", ("A -> f", holding())]}, "T"),
        ({"f": ["-> A", ("A -> A", holding()), "A -> T"]}, "T"),
        ({"f": ["-> A", ("A -> A", holding()), "A -> T", ("T -> T", holding())]}, "T"),
        ({"f": ["-> T", "T -> A", ("A T -> T", holding(node="A"))]}, "T"),
        ({"f": {"edges": ["-> A", "A -> T", "A -> T"], "failures": ["A -> T"]}}, "T"),
        ({"f": {"edges": ["-> A T"], "eager_failures": ["A"], "max_retry": 1}}, "T"),
    ],
)
def test_runs_that_do_not_have_none(flows: Any, node: str) -> None:
    assert is_unordered(build(flows), "f", node)


@pytest.mark.parametrize(
    ("mock", "options", "is_wrong"),
    [
        ("[{result: 1}, {result: 2}]", "seeds: 2", True),
        ("[{result: 1}, {result: 2}]", "driver: production", True),
        ("[{result: 1}, {result: 2}]", "seeds: [5]", False),
        ("[{result: 1}, {result: 1, times: 3}]", "seeds: 2", False),
        ("{attempts: [{result: 1}, {result: 2}]}", "seeds: 2", False),
        (
            "[{when: {args: b}, then: [{error: 'E: no'}, {result: 1}]}, {otherwise: {result: 1}}]",
            "seeds: 2",
            False,
        ),
        ("{when: {attempt: 1}, then: [{error: 'E: no'}, {result: 1}]}", "seeds: 2", True),
    ],
)
def test_only_lists_of_different_outcomes_are_ambiguous(mock: str, options: str, is_wrong: bool) -> None:
    plan = build({"f": ["-> A", ("A -> T", each())]})
    found = wrong(f"flow: f\ntests:\n  - name: a\n    mocks: {{T: {mock}}}\n    {options}\n", plan)
    assert [code for code, _, _ in found] == (["SEL805"] if is_wrong else [])


@settings(max_examples=60, deadline=None)
@given(plans(), st.sets(st.integers(0, 5), max_size=2))
def test_runs_with_an_order_begin_in_it_whatever_the_seed(plan: Plan, failing: set[int]) -> None:
    plan = runnable(plan)
    seconds = {name: number % 2 for number, name in enumerate(plan.tasks)}
    mocks = Mocks(
        {
            name: NodeMock((Rule(None, Script((_outcome(number in failing, seconds[name]),))),))
            for number, name in enumerate(plan.tasks)
        },
        {name: FunctionMock((_VALUES[name.rpartition(".")[2]],)) for name in functions_of(plan) if HERE in name},
    )
    begun: dict[str, list[str]] = {}
    for seed in range(4):
        run = LocalExecutor(plan, LocalOptions(mocks=mocks, mock_all=True, seed=seed, max_steps=60)).run("main")
        lineage = run.facts.lineage
        now: dict[str, list[str]] = {}
        for use in run.mock_uses:
            if use.attempt == 1:
                now.setdefault(use.node.run.name, []).append(lineage.key(use.node.run.id))
        for name, keys in now.items():
            if is_unordered(plan, "main", name):
                continue
            known = begun.setdefault(name, keys)
            common = set(known) & set(keys)
            assert [key for key in known if key in common] == [key for key in keys if key in common], name


def _outcome(fails: bool, after: float) -> Outcome:
    return Outcome("error", "E: no", after) if fails else Outcome("result", {"n": 1}, after)
