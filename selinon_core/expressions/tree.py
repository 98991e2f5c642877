"""The tree of an expression. Every node knows where in the text it begins and ends.

Offsets count code points from 0; ``end`` is behind the last character. Parentheses belong to no node. A text with
faults has a tree as well: ``Broken`` stands where nothing could be understood.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Literal(NamedTuple):
    """A number, a text, ``true``, ``false`` or ``null``: the JSON value ``value``."""

    value: int | float | str | bool | None
    start: int
    end: int


class Name(NamedTuple):
    """A node, a reserved name (``args``, ``vars``), or the variable of a comprehension."""

    name: str
    start: int
    end: int


class Field(NamedTuple):
    """``subject.name``: the value of a key. ``name`` is empty in an unfinished text that ends with the dot."""

    subject: Tree
    name: str
    name_start: int
    start: int
    end: int


class Index(NamedTuple):
    """``subject[key]``: an item of a list, or the value of a key of an object."""

    subject: Tree
    key: Tree
    start: int
    end: int


class Call(NamedTuple):
    """``function(arguments)``; the name ends at ``name_end``. A ``ListFor`` can be its only argument."""

    function: str
    arguments: tuple[Tree, ...]
    name_end: int
    start: int
    end: int


class Negative(NamedTuple):
    """``-operand``."""

    operand: Tree
    start: int
    end: int


class Arithmetic(NamedTuple):
    """``left operator right`` with one of ``+ - * / // %``."""

    operator: str
    left: Tree
    right: Tree
    operator_start: int
    start: int
    end: int


class Comparison(NamedTuple):
    """``first operator operand ...``, a chain as in Python: ``0 < x <= 3``.

    ``rest`` has (operator, where it begins, operand). The operators are ``==``, ``!=``, ``<``, ``<=``, ``>``,
    ``>=``, ``in`` and ``not in``.
    """

    first: Tree
    rest: tuple[tuple[str, int, Tree], ...]
    start: int
    end: int


class Negation(NamedTuple):
    """``not operand``."""

    operand: Tree
    start: int
    end: int


class Junction(NamedTuple):
    """Two or more operands with ``and`` (or ``or``) between them, read from left to right."""

    operator: str
    operands: tuple[Tree, ...]
    start: int
    end: int


class IfElse(NamedTuple):
    """``then if condition else otherwise``."""

    then: Tree
    condition: Tree
    otherwise: Tree
    start: int
    end: int


class ListOf(NamedTuple):
    """``[item, ...]``."""

    items: tuple[Tree, ...]
    start: int
    end: int


class ObjectOf(NamedTuple):
    """``{"key": value, **other}``; a key of None stands for ``**`` and its value is an object."""

    entries: tuple[tuple[str | None, Tree], ...]
    start: int
    end: int


class ListFor(NamedTuple):
    """``[element for variable in items if condition]``, or the same without brackets as the argument of a call."""

    element: Tree
    variable: str
    variable_start: int
    items: Tree
    condition: Tree | None
    start: int
    end: int


class Broken(NamedTuple):
    """A stretch of text that cannot be parsed."""

    start: int
    end: int


Tree = (
    Literal
    | Name
    | Field
    | Index
    | Call
    | Negative
    | Arithmetic
    | Comparison
    | Negation
    | Junction
    | IfElse
    | ListOf
    | ObjectOf
    | ListFor
    | Broken
)

#: The parts of each kind of tree, from left to right.
_CHILDREN: dict[type, Callable[[Any], tuple[Tree, ...]]] = {
    Literal: lambda tree: (),
    Name: lambda tree: (),
    Field: lambda tree: (tree.subject,),
    Index: lambda tree: (tree.subject, tree.key),
    Call: lambda tree: tree.arguments,
    Negative: lambda tree: (tree.operand,),
    Arithmetic: lambda tree: (tree.left, tree.right),
    Comparison: lambda tree: (tree.first, *(operand for _, _, operand in tree.rest)),
    Negation: lambda tree: (tree.operand,),
    Junction: lambda tree: tree.operands,
    IfElse: lambda tree: (tree.then, tree.condition, tree.otherwise),
    ListOf: lambda tree: tree.items,
    ObjectOf: lambda tree: tuple(value for _, value in tree.entries),
    ListFor: lambda tree: (tree.element, tree.items) + (() if tree.condition is None else (tree.condition,)),
    Broken: lambda tree: (),
}


def children(tree: Tree) -> tuple[Tree, ...]:
    """Return the trees that a tree is made of, in the order of the text."""
    return _CHILDREN[type(tree)](tree)
