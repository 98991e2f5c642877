"""Random flows whose conditions have several predicates, with retries and time-outs, and local runs of them."""

from __future__ import annotations

from hypothesis import strategies as st

from selinon_core.diagnostics.location import Place
from selinon_core.local import LocalExecutor, LocalOptions, LocalRun
from selinon_core.plan import And, Condition, Not, Or, Plan
from tests.dispatch import flows
from tests.runtime.random_runs import A_REAL_CONDITION, runnable, source

seeds = st.integers(0, 10**6)


def _condition(number: int) -> Condition:
    """Of one leaf or of three, by turns."""
    leaf = A_REAL_CONDITION
    trees: list[Condition] = [leaf, And((leaf, Or((Not(leaf), leaf)))), Or((And((leaf, leaf)), leaf)), Not(leaf)]
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
            condition=_condition(entry.index + turn) if entry.condition is not None else None,
        )
        for entry in main.failures
    )
    changed = main._replace(edges=edges, failures=failures)
    return Plan(plan.tasks, {**plan.flows, "main": changed}, plan.storages, plan.settings)


def play(plan: Plan, seed: int) -> LocalRun:
    """Run ``main``; a run of too many steps is stopped."""
    source.seed(seed)
    return LocalExecutor(plan, LocalOptions(max_steps=150, seed=seed)).run("main")
