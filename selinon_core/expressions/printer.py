"""From a tree to its text: one line, values as in JSON, parentheses only where the tree needs them.

``parse(expression_text(tree)).tree`` is the tree again, apart from the offsets, for every tree without faults.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from selinon_core.expressions.parser import TAKE_FOR
from selinon_core.expressions.tree import (
    Arithmetic,
    Broken,
    Call,
    Comparison,
    Field,
    IfElse,
    Index,
    Junction,
    ListFor,
    ListOf,
    Literal,
    Name,
    Negation,
    Negative,
    ObjectOf,
    Tree,
)

#: How strongly the outermost operator of a text binds.
_IF, _OR, _AND, _NOT, _COMPARE, _SUM, _TERM, _UNARY, _ATOM = range(1, 10)


def expression_text(tree: Tree) -> str:
    """Return a tree as text; what could not be understood is ``...``, which cannot be parsed."""
    return _PRINT[type(tree)](tree)[0]


def _at_least(tree: Tree, power: int) -> str:
    text, has = _PRINT[type(tree)](tree)
    return text if has >= power else f"({text})"


def _literal(tree: Literal) -> tuple[str, int]:
    return json.dumps(tree.value, ensure_ascii=False), _ATOM


def _field(tree: Field) -> tuple[str, int]:
    return f"{_subject(tree.subject)}.{tree.name}", _ATOM


def _index(tree: Index) -> tuple[str, int]:
    return f"{_subject(tree.subject)}[{expression_text(tree.key)}]", _ATOM


def _subject(tree: Tree) -> str:
    # A number is not a subject in Python: its point would begin a fraction.
    return f"({_at_least(tree, _ATOM)})" if _is_number(tree) else _at_least(tree, _ATOM)


def _is_number(tree: Tree) -> bool:
    return isinstance(tree, Literal) and isinstance(tree.value, int | float) and not isinstance(tree.value, bool)


def _call(tree: Call) -> tuple[str, int]:
    arguments = tree.arguments
    if len(arguments) == 1 and isinstance(arguments[0], ListFor) and tree.function in TAKE_FOR:
        return f"{tree.function}({_for(arguments[0])})", _ATOM
    return f"{tree.function}({_in_a_row(arguments)})", _ATOM


def _in_a_row(trees: tuple[Tree, ...]) -> str:
    return ", ".join(map(expression_text, trees))


def _negative(tree: Negative) -> tuple[str, int]:
    return f"-{_at_least(tree.operand, _UNARY)}", _UNARY


def _arithmetic(tree: Arithmetic) -> tuple[str, int]:
    power = _SUM if tree.operator in "+-" else _TERM
    return f"{_at_least(tree.left, power)} {tree.operator} {_at_least(tree.right, power + 1)}", power


def _comparison(tree: Comparison) -> tuple[str, int]:
    rest = "".join(f" {operator} {_at_least(operand, _SUM)}" for operator, _, operand in tree.rest)
    return _at_least(tree.first, _SUM) + rest, _COMPARE


def _negation(tree: Negation) -> tuple[str, int]:
    return f"not {_at_least(tree.operand, _NOT)}", _NOT


def _junction(tree: Junction) -> tuple[str, int]:
    power = _AND if tree.operator == "and" else _OR
    return f" {tree.operator} ".join(_at_least(operand, power + 1) for operand in tree.operands), power


def _if_else(tree: IfElse) -> tuple[str, int]:
    then, condition = _at_least(tree.then, _OR), _at_least(tree.condition, _OR)
    return f"{then} if {condition} else {expression_text(tree.otherwise)}", _IF


def _list_of(tree: ListOf) -> tuple[str, int]:
    return f"[{_in_a_row(tree.items)}]", _ATOM


def _object_of(tree: ObjectOf) -> tuple[str, int]:
    entries = (
        f"**{_at_least(value, _SUM)}"
        if key is None
        else f"{json.dumps(key, ensure_ascii=False)}: {expression_text(value)}"
        for key, value in tree.entries
    )
    return "{" + ", ".join(entries) + "}", _ATOM


def _list_for(tree: ListFor) -> tuple[str, int]:
    return f"[{_for(tree)}]", _ATOM


def _for(tree: ListFor) -> str:
    condition = "" if tree.condition is None else f" if {_at_least(tree.condition, _OR)}"
    return f"{expression_text(tree.element)} for {tree.variable} in {_at_least(tree.items, _OR)}{condition}"


_PRINT: dict[type, Callable[[Any], tuple[str, int]]] = {
    Literal: _literal,
    Name: lambda tree: (tree.name, _ATOM),
    Field: _field,
    Index: _index,
    Call: _call,
    Negative: _negative,
    Arithmetic: _arithmetic,
    Comparison: _comparison,
    Negation: _negation,
    Junction: _junction,
    IfElse: _if_else,
    ListOf: _list_of,
    ObjectOf: _object_of,
    ListFor: _list_for,
    Broken: lambda tree: ("...", _ATOM),
}
