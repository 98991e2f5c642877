"""Conditions are taken apart at the top, and the pieces put together again mean the same."""

from __future__ import annotations

import pytest
from hypothesis import given

from selinon_core.expressions.parser import parse
from selinon_core.expressions.split import ConditionPart, split_condition
from selinon_core.expressions.tree import Tree
from tests.expressions.shapes import shape
from tests.expressions.texts import expressions


def written(text: str, part: ConditionPart) -> str:
    """The parts as a call of their operator: ``and(a, not(b))``."""
    inside = text[part.start : part.end]
    return (
        f"{part.operator}({', '.join(written(text, one) for one in part.operands)})" if part.operator else inside
    )


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a", "a"),
        ("(a > 1) == b", "(a > 1) == b"),
        ("((a))", "a"),
        ("a and b or c and not d", "or(and(a, b), and(c, not(d)))"),
        ("a and (b and c)", "and(a, and(b, c))"),
        ("not (a or (b))", "not(or(a, b))"),
        (
            "any(x and y for x in z) and (1 if a and b else 2) > 1",
            "and(any(x and y for x in z), (1 if a and b else 2) > 1)",
        ),
        ("[a and b] == c", "[a and b] == c"),
        ("not not a", "not(not(a))"),
    ],
)
def test_conditions_are_taken_apart(text: str, parts: str) -> None:
    assert written(text, split_condition(parse(text).tree)) == parts


@given(expressions)
def test_the_text_of_each_part_is_the_part(text: str) -> None:
    tree, faults = parse(text)
    if faults:
        return

    def walk(part: ConditionPart, tree: Tree) -> None:
        again, found = parse(text[part.start : part.end])
        assert (shape(again), found) == (shape(tree), ())
        operands = getattr(tree, "operands", None) or (getattr(tree, "operand", None),)
        for one, operand in zip(part.operands, operands, strict=False):
            walk(one, operand)

    walk(split_condition(tree), tree)
