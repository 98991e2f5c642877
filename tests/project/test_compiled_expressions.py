"""Texts of the expression language in the plan."""

from __future__ import annotations

import json

import pytest

from selinon_core.plan import And, Condition, ForeachItems, Leaf, Not, Or, Plan
from selinon_core.plan import Test as Expressed
from selinon_core.plan.digests import flow_digests
from selinon_core.plan.json_form import plan_from_json, plan_to_json
from selinon_core.project.compiler import compile_model
from tests.config.reads import read_text

HEAD = "tasks: [{name: A, import: m}, {name: B, import: m}]\nflow-definitions:\n  - name: f\n    edges:\n"


def plan_of(text: str) -> Plan:
    model, found = read_text(HEAD + text)
    assert found == ()
    plan = compile_model(model)
    assert plan_from_json(json.loads(json.dumps(plan_to_json(plan)))) == plan
    return plan


def shape(condition: Condition | None) -> object:
    if isinstance(condition, And | Or):
        return (condition.kind, *(shape(operand) for operand in condition.operands))
    if isinstance(condition, Not):
        return ("not", shape(condition.operand))
    if isinstance(condition, Expressed):
        return (condition.text, condition.place.line, condition.place.column)
    assert isinstance(condition, Leaf)
    return condition.function.name


def test_a_text_becomes_a_tree_of_expressions_with_places() -> None:
    plan = plan_of("      - {from: A, to: B, condition: A.x > 1 and not (A.y or A.z)}\n")
    assert shape(plan.flows["f"].edges[0].condition) == (
        "and",
        ("A.x > 1", 5, 37),
        ("not", ("or", ("A.y", 5, 54), ("A.z", 5, 61))),
    )


def test_texts_and_predicates_together() -> None:
    plan = plan_of("      - {from: A, to: B, condition: {or: [A.x, {name: isDict}, true]}}\n")
    assert shape(plan.flows["f"].edges[0].condition) == ("or", ("A.x", 5, 43), "isDict", ("true", 5, 64))


@pytest.mark.parametrize(("text", "name"), [("A.lines", "item"), ("{in: A.lines, as: line}", "line")])
def test_foreach_over_items(text: str, name: str) -> None:
    foreach = plan_of(f"      - {{from: A, to: B, foreach: {text}}}\n").flows["f"].edges[0].foreach
    assert isinstance(foreach, ForeachItems)
    assert (foreach.text, foreach.item_name, foreach.propagate_result) == ("A.lines", name, True)


def test_a_condition_of_a_fallback() -> None:
    plan = plan_of(
        "      - {from: , to: A}\n    failures:\n      - {nodes: A, fallback: B, condition: args.retry}\n"
    )
    assert shape(plan.flows["f"].failures[0].condition) == ("args.retry", 7, 44)


@pytest.mark.parametrize("part", ["condition: A.x >", "foreach: A[", "foreach: {as: x}"])
def test_a_broken_text_is_not_compiled(part: str) -> None:
    model, _ = read_text(HEAD + f"      - {{from: A, to: B, {part}}}\n".replace("A[", '"A["'))
    with pytest.raises(ValueError, match="model with errors"):
        compile_model(model)


MOVED = """      - {from: , to: A, args: {n: "${args.n}"}}
      - {from: A, to: B, condition: A.x > 1, foreach: A.lines}
    output: {n: "${all.B}"}
"""


def test_a_digest_changes_with_what_an_expression_says_and_not_with_its_place() -> None:
    digests = flow_digests(plan_of(MOVED))
    assert flow_digests(plan_of("\n# a comment\n" + MOVED)) == digests
    for old, new in (("A.x > 1", "A.x > 2"), ("A.lines", "A.items"), ("args.n", "args.m"), ("all.B", "all.A")):
        assert flow_digests(plan_of(MOVED.replace(old, new))) != digests
