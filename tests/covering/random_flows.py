"""Random flows whose conditions have several predicates, with retries, and local runs of them.

Each predicate has a number, and one value throughout a run: explorations take that for granted.
"""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st

from selinon_core.diagnostics.location import Place
from selinon_core.local import LocalExecutor, LocalOptions, LocalRun
from selinon_core.plan import And, Condition, ImportRef, Leaf, Not, Or, Plan
from tests.dispatch import flows
from tests.runtime.random_runs import A_REAL_CONDITION, runnable, source

seeds = st.integers(0, 10**6)
_HOLDS = ImportRef("tests.covering.random_flows", "holds")
_run = [0]


def holds(number: int) -> bool:
    """A predicate: one value for each number in a run."""
    return Random(f"{_run[0]} {number}").random() < 0.6


def _leaf(number: int) -> Leaf:
    return A_REAL_CONDITION._replace(function=_HOLDS, args={"number": number})


def _condition(number: int) -> Condition:
    """Of one leaf or of three, by turns."""
    one, two, three = (_leaf(3 * number + each) for each in range(3))
    trees: list[Condition] = [one, And((one, Or((Not(two), three)))), Or((And((one, two)), three)), Not(one)]
    return trees[number % len(trees)]


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """A plan whose flow ``main`` can be run; each failures entry has a place of its own."""
    plan = runnable(draw(flows.plans()))
    main = plan.flows["main"]
    turn = draw(st.integers(0, 3))
    edges = tuple(
        edge._replace(condition=_condition(edge.index + turn) if edge.condition is not None else None)
        for edge in main.edges
    )
    failures = tuple(
        entry._replace(
            place=Place("flow.yaml", 100 + entry.index, 1),
            condition=_condition(100 + entry.index + turn) if entry.condition is not None else None,
        )
        for entry in main.failures
    )
    changed = main._replace(edges=edges, failures=failures)
    return Plan(plan.tasks, {**plan.flows, "main": changed}, plan.storages, plan.settings)


def play(plan: Plan, seed: int) -> LocalRun:
    """Run ``main``; a run of too many steps is stopped."""
    source.seed(seed)
    _run[0] = seed
    return LocalExecutor(plan, LocalOptions(max_steps=150, seed=seed)).run("main")
