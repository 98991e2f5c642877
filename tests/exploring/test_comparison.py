"""Two versions of a flow: told apart by a run that shows it, or equivalent when everything was tried."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from selinon_core.exploring import Comparison, Limits, compare
from selinon_core.plan import FlowPlan, Not, Plan
from tests.dispatch.flows import plans
from tests.exploring.brute_force import TooMany, outcomes_of
from tests.exploring.flows_in_yaml import plan_of

FLOW = """
  - name: main
    edges:
      - {from: , to: [Load, Reserve]}
      - from: [Load, Reserve]
        to: Charge
        condition: {name: fieldGreater, node: Load, args: {key: total, value: 0}}
      - from: [Load, Reserve]
        to: Gift
        condition: {not: {name: fieldGreater, node: Load, args: {key: total, value: 0}}}
    failures:
      - {nodes: Charge, fallback: Refund, propagate_failure: true}
"""


def changed(plan: Plan, change: Callable[[FlowPlan], FlowPlan]) -> Plan:
    return Plan(plan.tasks, {**plan.flows, "main": change(plan.flows["main"])}, plan.storages, plan.settings)


def with_edge(flow: FlowPlan, index: int, **values: object) -> FlowPlan:
    edges = [edge._replace(**values) if edge.index == index else edge for edge in flow.edges]  # type: ignore[arg-type]
    return flow._replace(edges=tuple(edges))


def compared(tmp_path: Path, change: Callable[[FlowPlan], FlowPlan]) -> Comparison:
    plan = plan_of(tmp_path, FLOW, "Load Reserve Charge Gift Refund")
    return compare(plan, changed(plan, change), "main")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda flow: with_edge(flow, 1, sources=("Load",)), "Charge"),
        (lambda flow: with_edge(flow, 1, condition=None), "Charge runs not at all, in the other version once"),
        (lambda flow: flow._replace(failures=()), "Refund runs once, in the other version not at all"),
        (
            lambda flow: flow._replace(failures=(flow.failures[0]._replace(propagate_failure=False),)),
            "it fails, the other version succeeds",
        ),
        (lambda flow: flow._replace(nowait=frozenset({"Gift"})), "it fails, the other version succeeds"),
        (lambda flow: flow._replace(node_args_from_first=True), "other arguments"),
    ],
    ids=["source dropped", "always", "no fallback", "not propagated", "nowait", "arguments"],
)
def test_a_difference_has_a_run_that_shows_it(
    tmp_path: Path, change: Callable[[FlowPlan], FlowPlan], text: str
) -> None:
    found = compared(tmp_path, change)
    assert found.difference is not None
    assert any(text in one for one in found.difference.texts), found.difference.texts
    assert found.difference.witness.case.flow == "main"


def test_what_changes_nothing_is_equivalent(tmp_path: Path) -> None:
    """A double negation."""

    def negated_twice(flow: FlowPlan) -> FlowPlan:
        condition = flow.edges[1].condition
        assert condition is not None
        return with_edge(flow, 1, condition=Not(Not(condition)))

    # Load and Reserve fail in three ways; else it is Gift that ends in two, or Charge, and then Refund.
    assert compared(tmp_path, negated_twice) == Comparison(None, True, "", 3 + 2 + 1 + 2)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda flow: flow._replace(timeout=9.0), "the flow has a time-out"),
        (lambda flow: flow._replace(queue="other"), "queues or times differ"),
        (lambda flow: flow._replace(eager_failures=frozenset({"Load"})), "eager failures depend on the order"),
    ],
    ids=["time-out", "queue", "eager"],
)
def test_what_the_machine_does_not_see_is_never_equivalent(
    tmp_path: Path, change: Callable[[FlowPlan], FlowPlan], why: str
) -> None:
    found = compared(tmp_path, change)
    assert not found.is_complete or found.difference is not None
    assert found.difference is not None or found.why_incomplete == why


@given(st.data(), plans(eager=False))
@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
def test_equivalent_versions_have_the_same_outcomes_in_every_order(data: st.DataObject, plan: Plan) -> None:
    """What is called equivalent is so by brute force, and a flow is never told apart from itself."""
    flow = plan.flows["main"]
    edges = [edge for edge in flow.edges if edge.index == 0 or data.draw(st.booleans())]
    failures = [entry for entry in flow.failures if data.draw(st.booleans())]
    smaller = flow._replace(
        edges=tuple(edge._replace(index=index) for index, edge in enumerate(edges)),
        failures=tuple(entry._replace(index=index) for index, entry in enumerate(failures)),
    )
    other = type(plan)(plan.tasks, {**plan.flows, "main": smaller}, plan.storages, plan.settings)
    limits = Limits(2, visits=8, items=(0, 1), budget=3000)
    try:
        expected = [outcomes_of(version, "main", 2, (0, 1), 3000, 7) for version in (plan, other)]
    except TooMany:
        assume(False)
    found = compare(plan, other, "main", limits=limits)
    if found.difference is None and found.is_complete:
        assert expected[0] == expected[1]
    itself = compare(plan, plan, "main", limits=limits)
    assert itself.difference is None
