"""``like``: a flow that is a copy of another one, whose keys are replaced as a whole."""

from __future__ import annotations

from selinon_core.config.model import FlowDef
from selinon_core.plan import Plan
from selinon_core.project.compiler import compile_model
from tests.config.reads import read_text, where

HEAD = "tasks: [{name: A, import: m}, {name: B, import: m}]\nflow-definitions:\n"
BASE = """  - name: base
    queue: eu
    max_retry: 2
    vars: {region: eu, limit: 1}
    eager_failures: A
    edges: [{from: , to: A}, {from: A, to: B}]
    failures: [{nodes: A, fallback: B}]
"""


def plan_of(text: str) -> Plan:
    model, found = read_text(HEAD + text)
    assert found == ()
    return compile_model(model)


def test_what_is_not_given_is_that_of_the_other_flow() -> None:
    plan = plan_of(BASE + "  - {name: us, like: base, queue: us, vars: {region: us}}\n")
    base, us = plan.flows["base"], plan.flows["us"]
    assert us == base._replace(name="us", queue="us", constants={"region": "us"}, place=us.place)


def test_keys_are_replaced_as_a_whole_and_null_takes_them_away() -> None:
    plan = plan_of(BASE + "  - {name: us, like: base, edges: [{from: , to: B}], failures: , eager_failures: }\n")
    us = plan.flows["us"]
    assert [edge.destinations for edge in us.edges] == [("B",)]
    assert us.failures == ()
    assert us.eager_failures == frozenset()
    assert us.max_retry == 2


def test_copies_of_copies_in_any_order_and_file() -> None:
    model, found = read_text(
        "flow-definitions:\n  - {name: c, like: b, max_retry: 5}\n  - {name: b, like: base}\n", HEAD + BASE
    )
    assert found == ()
    plan = compile_model(model)
    assert [plan.flows[name].max_retry for name in ("base", "b", "c")] == [2, 2, 5]
    assert len(plan.flows["c"].edges) == 2


def _flow(text: str) -> FlowDef:
    return read_text(HEAD + text)[0].flows[-1]


def test_a_copy_knows_where_its_keys_are_written() -> None:
    flow = _flow(BASE + "  - {name: us, like: base, queue: us}\n")
    assert flow.key_location("queue").span.line == 10
    assert flow.key_location("max_retry").span.line == 5
    assert flow.merged
    assert not flow.edges_broken


def test_circles_and_unknown_flows() -> None:
    text = "  - {name: a, like: b}\n  - {name: b, like: a}\n  - {name: c, like: nowhere}\n  - {name: d, like: d}\n"
    model, found = read_text(HEAD + text)
    assert where(found) == [("SEL448", 4, 21), ("SEL448", 5, 21), ("SEL448", 6, 21)]
    assert all(flow.edges_broken for flow in model.flows)


def test_a_copy_of_a_broken_flow_is_broken() -> None:
    model, _ = read_text(HEAD + "  - {name: a, edges: 5}\n  - {name: b, like: a}\n")
    assert [flow.edges_broken for flow in model.flows] == [True, True]
