"""Mistakes in expressions: another comparison, constant, connective, sign; ``any`` for ``all``, no ``default``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from selinon_core.expressions.printer import expression_text
from selinon_core.expressions.tree import (
    Arithmetic,
    Call,
    Comparison,
    Junction,
    Literal,
    Negation,
    Negative,
    ObjectOf,
    Tree,
)
from selinon_core.plan.expression_uses import tree_of
from selinon_core.plan.model import Test

#: Comparisons that are mistaken for one another.
_BOUNDARIES = {
    ">": ">=",
    ">=": ">",
    "<": "<=",
    "<=": "<",
    "==": "!=",
    "!=": "==",
    "in": "not in",
    "not in": "in",
}
_QUANTIFIERS = {"any": "all", "all": "any"}
#: Operators of arithmetic that are mistaken for one another.
_SIGNS = {"+": "-", "-": "+", "*": "/", "/": "*", "//": "*", "%": "//"}

_Put = Callable[[Tree], Tree]


class ExpressionMutation(NamedTuple):
    """An expression with one mistake. ``key`` distinguishes mutations of one operator."""

    operator: str
    key: str
    test: Test


def mutations_of(test: Test) -> Iterator[ExpressionMutation]:
    """Every mistake of this module in an expression that is a leaf of a condition."""
    for operator, key, text in text_mutations(test.text):
        yield ExpressionMutation(operator, key, test._replace(expression=test.expression._replace(text=text)))


def text_mutations(written: str) -> Iterator[tuple[str, str, str]]:
    """Every mistake of this module in any expression: operator, key, and the text with the mistake."""
    for number, (part, put) in enumerate(_parts(tree_of(written), lambda changed: changed)):
        for operator, key, changed in _of_part(part):
            text = expression_text(put(changed))
            if text != written:
                yield operator, f"{number}{key}", text


def _of_part(part: Tree) -> Iterator[tuple[str, str, Tree]]:
    if isinstance(part, Comparison):
        for position, (operator, start, operand) in enumerate(part.rest):
            other = _BOUNDARIES[operator]
            rest = (*part.rest[:position], (other, start, operand), *part.rest[position + 1 :])
            yield "boundary", f".{position}:{other}", part._replace(rest=rest)
            for step in (1, -1):
                if (changed := _stepped(operand, step)) is not None:
                    rest = (*part.rest[:position], (operator, start, changed), *part.rest[position + 1 :])
                    yield "constant", f".{position}:{step:+}", part._replace(rest=rest)
        for step in (1, -1):
            if (changed := _stepped(part.first, step)) is not None:
                yield "constant", f".first:{step:+}", part._replace(first=changed)
    elif isinstance(part, Junction):
        other = "or" if part.operator == "and" else "and"
        yield "and-or", "", part._replace(operator=other)
        for position in range(len(part.operands)):
            rest_of = (*part.operands[:position], *part.operands[position + 1 :])
            fewer = rest_of[0] if len(rest_of) == 1 else part._replace(operands=rest_of)
            yield "operand-drop", f".{position}", fewer
    elif isinstance(part, Negation):
        yield "leaf-negate", "", part.operand
    elif isinstance(part, Arithmetic):
        yield "arithmetic", "", part._replace(operator=_SIGNS[part.operator])
        for step in (1, -1):
            if (changed := _stepped(part.left, step)) is not None:
                yield "constant", f".left:{step:+}", part._replace(left=changed)
            if (changed := _stepped(part.right, step)) is not None:
                yield "constant", f".right:{step:+}", part._replace(right=changed)
    elif isinstance(part, Call) and part.function == "default":
        yield "default-drop", "", part.arguments[0]
    elif isinstance(part, Call) and part.function in _QUANTIFIERS:
        other = _QUANTIFIERS[part.function]
        yield "quantifier", f":{other}", part._replace(function=other)


def _stepped(operand: Tree, step: int) -> Tree | None:
    """A number that is one more or one less; None for a value of another type."""
    if isinstance(operand, Negative):
        inner = _stepped(operand.operand, -step)
        return None if inner is None else operand._replace(operand=inner)
    if (
        isinstance(operand, Literal)
        and isinstance(operand.value, int | float)
        and not isinstance(operand.value, bool)
    ):
        value = operand.value + step
        if value < 0:
            return Negative(operand._replace(value=-value), operand.start, operand.end)
        return operand._replace(value=value)
    return None


def _parts(tree: Tree, put: _Put) -> Iterator[tuple[Tree, _Put]]:
    """Each part of a tree in reading order, with the function that puts another one in its place."""
    yield tree, put
    for part, put_part in _children(tree):
        yield from _parts(part, lambda changed, put_part=put_part: put(put_part(changed)))  # type: ignore[misc]


def _children(tree: Tree) -> Iterator[tuple[Tree, _Put]]:
    if isinstance(tree, Comparison):
        yield tree.first, lambda changed: tree._replace(first=changed)
        for position, (operator, start, operand) in enumerate(tree.rest):
            yield operand, _in_comparison(tree, position, operator, start)
    elif isinstance(tree, ObjectOf):
        for position, (key, entry) in enumerate(tree.entries):
            yield entry, _in_object(tree, position, key)
    else:
        for field in _FIELDS.get(type(tree).__name__, ()):
            value: Any = getattr(tree, field)
            if isinstance(value, tuple) and field in _LISTS.get(type(tree).__name__, ()):
                for position, operand in enumerate(value):
                    yield operand, _in_list(tree, field, position)
            elif value is not None:
                yield value, _in_field(tree, field)


#: The parts of each kind of node in reading order; comparisons and objects have theirs in pairs.
_FIELDS: dict[str, tuple[str, ...]] = {
    "Field": ("subject",),
    "Index": ("subject", "key"),
    "Call": ("arguments",),
    "Negative": ("operand",),
    "Arithmetic": ("left", "right"),
    "Negation": ("operand",),
    "Junction": ("operands",),
    "IfElse": ("then", "condition", "otherwise"),
    "ListOf": ("items",),
    "ListFor": ("element", "items", "condition"),
}


#: Those of them that are several.
_LISTS: dict[str, tuple[str, ...]] = {"Call": ("arguments",), "Junction": ("operands",), "ListOf": ("items",)}


def _in_field(tree: Any, field: str) -> _Put:
    def put(changed: Tree) -> Tree:
        found: Tree = tree._replace(**{field: changed})
        return found

    return put


def _in_list(tree: Any, field: str, position: int) -> _Put:
    def put(changed: Tree) -> Tree:
        parts = list(getattr(tree, field))
        parts[position] = changed
        found: Tree = tree._replace(**{field: tuple(parts)})
        return found

    return put


def _in_comparison(tree: Comparison, position: int, operator: str, start: int) -> _Put:
    before, after = tree.rest[:position], tree.rest[position + 1 :]
    return lambda changed: tree._replace(rest=(*before, (operator, start, changed), *after))


def _in_object(tree: ObjectOf, position: int, key: str | None) -> _Put:
    before, after = tree.entries[:position], tree.entries[position + 1 :]
    return lambda changed: tree._replace(entries=(*before, (key, changed), *after))
