"""Conditions taken apart: the ``and``, ``or`` and ``not`` at the top, and the expressions between them.

``a > 1 and not (b or c)`` is an ``and`` of ``a > 1`` and a ``not`` of an ``or`` of ``b`` and ``c``. The text
between the offsets of a part is an expression of its own, without the parentheses around it.
"""

from __future__ import annotations

from typing import NamedTuple

from selinon_core.expressions.tree import Junction, Negation, Tree


class ConditionPart(NamedTuple):
    """``operator`` is ``and``, ``or`` or ``not``, and "" for an expression that has none of them at its top."""

    operator: str
    operands: tuple[ConditionPart, ...]
    start: int
    end: int


def split_condition(tree: Tree) -> ConditionPart:
    """Return the parts of a condition; an expression without such an operator is one part without operands."""
    match tree:
        case Junction(operator, operands, start, end):
            return ConditionPart(operator, tuple(map(split_condition, operands)), start, end)
        case Negation(operand, start, end):
            return ConditionPart("not", (split_condition(operand),), start, end)
        case _:
            return ConditionPart("", (), tree.start, tree.end)
