"""Conditions and foreach that are texts of the expression language: what the reader makes of them, and where."""

from __future__ import annotations

import pytest

from selinon_core.config.model import (
    AndDef,
    BrokenDef,
    ConditionDef,
    EdgeDef,
    ForeachDef,
    ForeachItemsDef,
    LeafDef,
    NotDef,
    OrDef,
    expression_leaves,
    leaves,
    texts,
)
from tests.config.reads import read_text, where

HEAD = "flow-definitions:\n  - name: f\n    edges:\n      - from: A\n        to: B\n"


def edge_of(text: str) -> EdgeDef:
    model, found = read_text(HEAD + text)
    assert found == ()
    return model.flows[0].edges[0]


def condition_of(text: str) -> ConditionDef:
    condition = edge_of(f"        condition: {text}\n").condition
    assert condition is not None
    return condition


def shape(condition: ConditionDef) -> object:
    """A condition as nested tuples with the texts of its expressions."""
    if isinstance(condition, AndDef | OrDef):
        return ("and" if isinstance(condition, AndDef) else "or", *(shape(each) for each in condition.operands))
    if isinstance(condition, NotDef):
        return ("not", shape(condition.operand))
    if isinstance(condition, LeafDef):
        return condition.name.name
    assert not isinstance(condition, BrokenDef)
    return condition.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A.total > 3", "A.total > 3"),
        ("A.x and not A.y or A.z", ("or", ("and", "A.x", ("not", "A.y")), "A.z")),
        ("(A.x or A.y) and A.z", ("and", ("or", "A.x", "A.y"), "A.z")),
        ("A.x and (A.y and A.z)", ("and", "A.x", ("and", "A.y", "A.z"))),
        ("not (A.x and A.y)", ("not", ("and", "A.x", "A.y"))),
        ("(A.n + 1) * 2 > 4 and (A.x)", ("and", "(A.n + 1) * 2 > 4", "A.x")),
        ("any(one.ok and one.new for one in A.lines)", "any(one.ok and one.new for one in A.lines)"),
        ("(A.x and A.y) if A.z else false", "(A.x and A.y) if A.z else false"),
        ("true", "true"),
        ("no", "false"),
        ("{and: [A.x and A.y, {name: b}, {not: A.z}]}", ("and", ("and", "A.x", "A.y"), "b", ("not", "A.z"))),
        ("{or: [false, A.x]}", ("or", "false", "A.x")),
    ],
)  # fmt: skip
def test_what_stands_at_the_top_becomes_a_tree(text: str, expected: object) -> None:
    assert shape(condition_of(text)) == expected


def test_each_expression_knows_its_characters() -> None:
    condition = condition_of('"Ž.total > 3 and not \\"ä\\" in A.names"')
    assert isinstance(condition, AndDef)
    total, not_in = condition.operands
    assert (total.span.column, total.span.end_column) == (21, 32)
    assert isinstance(not_in, NotDef)
    assert (not_in.span.column, not_in.operand.span.column) == (37, 41)
    assert not_in.operand.span.end_column == 57


def test_the_characters_of_a_folded_text_are_on_their_own_lines() -> None:
    model, found = read_text(HEAD + "        condition: >-\n          A.x and\n          A.y > 3\n")
    assert found == ()
    places = [(test.span.line, test.span.column) for test in expression_leaves(model.flows[0].edges[0].condition)]
    assert places == [(7, 11), (8, 11)]


def test_leaves_are_of_two_kinds() -> None:
    condition = condition_of("{and: [A.x and A.y, {name: isDict}, A.z]}")
    assert [leaf.name.name for leaf in leaves(condition)] == ["isDict"]
    assert [test.text for test in expression_leaves(condition)] == ["A.x", "A.y", "A.z"]
    assert [text.text for text in texts(condition)] == ["A.x and A.y", "A.z"]


def test_an_anchored_text_is_one_text() -> None:
    text = (
        "      - from: B\n        to: A\n        condition: &c A.x => 3\n      - {from: B, to: A, condition: *c}\n"
    )
    _, found = read_text(HEAD + text)
    assert where(found) == [("SEL430", 8, 27)]  # once, though the text is used twice


@pytest.mark.parametrize(
    ("text", "expression", "name"),
    [
        ("A.lines", "A.lines", None),
        ("{in: A.lines, as: line}", "A.lines", "line"),
        ('{in: "[1, 2] + A.lines"}', "[1, 2] + A.lines", None),
    ],
)
def test_foreach_over_items(text: str, expression: str, name: str | None) -> None:
    foreach = edge_of(f"        foreach: {text}\n").foreach
    assert isinstance(foreach, ForeachItemsDef)
    assert foreach.expression is not None
    assert foreach.expression.text == expression
    assert (None if foreach.item_name is None else foreach.item_name.name) == name
    assert foreach.propagate_result
    assert foreach.function is None


def test_functions_of_foreach_stay() -> None:
    foreach = edge_of("        foreach: {import: m, function: f}\n").foreach
    assert isinstance(foreach, ForeachDef)


def test_a_broken_text_is_a_broken_part() -> None:
    model, found = read_text(HEAD + "        condition: {and: [A.x >, A.y]}\n        foreach: A.lines[\n")
    assert where(found) == [("SEL430", 6, 32), ("SEL430", 7, 26)]
    edge = model.flows[0].edges[0]
    assert isinstance(edge.condition, AndDef)
    assert isinstance(edge.condition.operands[0], BrokenDef)
    assert isinstance(edge.foreach, ForeachItemsDef)
    assert edge.foreach.expression is None
