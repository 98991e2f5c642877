"""Flows with sub-flows have exactly the outcomes that running all their machines in every order gives."""

from __future__ import annotations

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from selinon_core.exploring import Context, Limits, ProjectModel, Summaries
from selinon_core.plan import Condition, EdgePlan, FailurePlan, ImportRef, Leaf, Not, Plan
from tests.dispatch.plans import NOWHERE, edge, failure, flow, plan
from tests.example_counts import examples
from tests.exploring.brute_force import TooMany
from tests.exploring.nested_brute_force import outcomes_of

RELAXED = settings(
    deadline=None,
    max_examples=examples(60, 600),
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


def reads(path: str, quantifier: str | None) -> Leaf:
    return Leaf(ImportRef("checks", "ready"), tuple(path.split("/")), {}, quantifier, NOWHERE)


@st.composite
def inner_flows(draw: st.DrawFn, name: str, nodes: tuple[str, ...]) -> tuple[list[EdgePlan], list[FailurePlan]]:
    """A start, perhaps with a fan-out, then one or two edges, one of them perhaps a cycle with a condition."""
    first = nodes[0]
    edges = [edge(None, draw(st.sampled_from([first, f"{first} {nodes[1]}"])), foreach=draw(st.booleans()))]
    for _ in range(draw(st.integers(0, 2))):
        source = draw(st.sampled_from(nodes[:2]))
        target = draw(st.sampled_from(nodes))
        is_plain = nodes.index(target) > nodes.index(source) and draw(st.booleans())
        condition = None if is_plain or source.startswith("S") else reads(source, None)
        if condition is None and nodes.index(target) <= nodes.index(source):
            continue
        edges.append(edge(source, target)._replace(condition=condition))
    failures = [failure(first, nodes[-1])] if draw(st.integers(0, 3)) == 0 else []
    return edges, failures


@st.composite
def nested_plans(draw: st.DrawFn) -> Plan:
    """``main`` starts S1, which may start S2; conditions of ``main`` read results of both."""
    deep = draw(st.booleans())
    first = draw(inner_flows("S1", ("S2" if deep else "T", "U", "V")))
    second = draw(inner_flows("S2", ("T", "W", "X")))
    path = "S1/S2/T" if deep else "S1/T"
    quantifier = draw(st.sampled_from(["any", "all", "none", None]))
    condition: Condition = reads(path, quantifier)
    edges = [edge(None, draw(st.sampled_from(["S1", "S1 A"])), foreach=draw(st.integers(0, 4)) == 0)]
    edges.append(edge("S1", "B")._replace(condition=condition))
    if draw(st.booleans()):
        edges.append(edge("S1", "C")._replace(condition=Not(condition)))
    if draw(st.booleans()):
        edges.append(edge("S1 A", "D"))
    failures = [failure("S1", "F")] if draw(st.booleans()) else []
    flows = [flow("main", edges, failures), flow("S1", *first)]
    return plan(*flows, flow("S2", *second))


@given(nested_plans(), st.integers(0, 2), st.sampled_from([(0, 1), (1,), (2,), (1, 2)]), st.booleans())
@RELAXED
def test_the_outcomes_are_those_of_all_machines_in_every_order(
    nested: Plan, failures: int, items: tuple[int, ...], inline: bool
) -> None:
    try:
        expected = outcomes_of(nested, failures, items, most_runs=3000, node_runs=9)
    except TooMany:
        assume(False)
    limits = Limits(failures, visits=9, items=items, inline=inline)
    exploration = Summaries(ProjectModel(nested), limits).explore(Context("main"))
    assert exploration.is_complete
    found = {(key.status, tuple(sorted(key.runs)), tuple(sorted(key.failing))) for key in exploration.outcomes}
    assert found == expected
