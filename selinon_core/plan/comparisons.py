"""Expressions as unknowns: comparisons that say the same, or the opposite, have one atom.

``a <= b`` is the opposite of ``a > b``, ``a != 1`` of ``a == 1``, ``a not in b`` of ``a in b``, and ``b < a`` is
``a > b``. That holds because an expression that compares what cannot be compared is an error, not false.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from selinon_core.expressions.printer import expression_text
from selinon_core.expressions.tree import Comparison, Field, Index, Literal, Name, Negative, Tree


class PlainTest(NamedTuple):
    """An expression as an unknown: equal ``key``, equal value.

    Of a comparison with a constant, ``subject`` is what is compared (whose data, and the place in it, as a shipped
    predicate has them), ``test`` is Greater, Less or Equal, and ``operand`` the constant. ``is_opposite``: the
    expression is true when the unknown is false.
    """

    key: object
    subject: object = None
    test: str = ""
    operand: Any = None
    is_opposite: bool = False


#: operator -> (the operator of the unknown, whether the operands change places, whether it is the opposite)
_FORMS = {
    ">": (">", False, False),
    "<": (">", True, False),
    ">=": (">", True, True),
    "<=": (">", False, True),
    "==": ("==", False, False),
    "!=": ("==", False, True),
    "in": ("in", False, False),
    "not in": ("in", False, True),
}
_TESTS = {">": "Greater", "<": "Less", "==": "Equal"}


def plain_test(tree: Tree) -> PlainTest:
    """An expression without ``and``, ``or`` and ``not`` at its top as an unknown."""
    if not isinstance(tree, Comparison) or len(tree.rest) != 1:
        return PlainTest(("expression", expression_text(tree)))
    operator, _, right = tree.rest[0]
    form, swapped, is_opposite = _FORMS[operator]
    left, right = (right, tree.first) if swapped else (tree.first, right)
    texts = expression_text(left), expression_text(right)
    if form == "==" and not _is_constant(right) and (_is_constant(left) or texts[1] < texts[0]):
        left, right, texts = right, left, texts[::-1]
    key = ("expression", form, *texts)
    if form in _TESTS and _is_constant(right):
        subject = _subject(left)
        return PlainTest(key, subject, _TESTS[form], _constant(right), is_opposite)
    if form == ">" and _is_constant(left):
        return PlainTest(key, _subject(right), "Less", _constant(left), is_opposite)
    return PlainTest(key, is_opposite=is_opposite)


def _subject(tree: Tree) -> object:
    """What is looked at, as a shipped predicate on the same has it; an expression of any other form is itself."""
    path: list[Any] = []
    part = tree
    while isinstance(part, Field) or (isinstance(part, Index) and _is_constant(part.key)):
        path.append(part.name if isinstance(part, Field) else _constant(part.key))
        part = part.subject
    if not isinstance(part, Name):
        return "expression", expression_text(tree)
    whole = "node_args" if part.name == "args" else (part.name,)
    return whole, repr(path[::-1]) if path else None


def _is_constant(tree: Tree) -> bool:
    return isinstance(tree, Literal) or (isinstance(tree, Negative) and isinstance(tree.operand, Literal))


def _constant(tree: Tree) -> Any:
    if isinstance(tree, Negative):
        value = _constant(tree.operand)
        return -value if isinstance(value, int | float) else value
    return tree.value if isinstance(tree, Literal) else None
