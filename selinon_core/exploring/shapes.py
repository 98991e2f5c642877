"""Guesses from expressions the shapes of the values that they read: keys, lists, and values of the right type.

The guess uses the text alone: ``Load.total + 1`` wants a number, ``any(one.ok for one in Load.lines)`` a
list of objects with ``ok``. It is for made-up results, so that a case that shows a run can be run.
"""

from __future__ import annotations

from typing import Any

from selinon_core.expressions.names import FAMILIES
from selinon_core.expressions.tree import (
    Arithmetic,
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
    children,
)

_TEXT, _NUMBER = "x", 1
#: What functions want of their first argument; all others take a text.
_LISTS = ("len", "any", "all", "sum", "min", "max", "count", "flatten", "sorted", "unique", "join")
_WANTED: dict[str, Any] = {
    **{name: [] for name in _LISTS},
    **dict.fromkeys(("abs", "round", "floor", "int", "float"), _NUMBER),
    "flatten": [[_TEXT]],
    **{name: {} for name in ("keys", "values", "items")},
}
#: Functions that give a text.
_TEXTS = ("text", "lower", "upper", "strip", "join", "replace")
#: What they want of each item, where the list is written there.
_ITEMS: dict[str, Any] = {
    **dict.fromkeys(("sum", "min", "max"), _NUMBER),
    **dict.fromkeys(("any", "all", "count"), True),
    "flatten": [_TEXT],
}


class Shape:
    """A value: ``fields`` of an object, ``items`` of a list, or a ``sample`` of anything else; None: not known."""

    __slots__ = ("at_least", "fields", "items", "sample")

    def __init__(self) -> None:
        self.fields: dict[str, Shape] = {}
        self.items: Shape | None = None
        self.at_least = 1
        self.sample: Any = None

    def field(self, name: str) -> Shape:
        """What the value has at a key."""
        return self.fields.setdefault(name, Shape())

    def item(self) -> Shape:
        """What each item of the list is."""
        if self.items is None:
            self.items = Shape()
        return self.items

    def want(self, sample: Any) -> None:
        """Note what it is taken for: the parts of a sample each, else the first sample."""
        if isinstance(sample, dict) and sample:
            for name, inner in sample.items():
                self.field(name).want(inner)
        elif isinstance(sample, list) and sample:
            self.item().want(sample[0])
        elif self.sample is None:
            self.sample = sample

    def value(self) -> Any:
        """A value that has it all."""
        if self.fields:
            return {name: inner.value() for name, inner in self.fields.items()}
        if self.items is not None:
            return [self.items.value() for _ in range(self.at_least)]
        return _TEXT if self.sample is None else self.sample

    def schema(self, *, has_types: bool = True) -> dict[str, Any]:
        """A JSON Schema of the values that have it all; without ``has_types`` of any numbers and texts."""
        if self.fields:
            inner = {name: field.schema(has_types=has_types) for name, field in self.fields.items()}
            return {"type": "object", "required": list(inner), "properties": inner}
        if self.items is not None:
            items = self.items.schema(has_types=has_types)
            return {"type": "array", "minItems": self.at_least, "items": items}
        if not has_types or isinstance(self.sample, bool) or self.sample is None:
            return {}
        return {"type": "number"} if isinstance(self.sample, int | float) else {}


class Shapes:
    """The shapes of the results of nodes, by their names, and of ``args``."""

    def __init__(self) -> None:
        self.nodes: dict[str, Shape] = {}
        self.args = Shape()

    def read(self, tree: Tree, wanted: Any, variables: dict[str, Shape] | None = None) -> Shape | None:
        """Note what an expression reads; gives the shape of what it is, where it is a path."""
        known = {} if variables is None else variables
        if isinstance(tree, Name | Field | Index):
            shape = self._path(tree, known)
            if shape is not None:
                shape.want(wanted)
            return shape
        if isinstance(tree, ListFor):
            items = self.read(tree.items, [], known)
            inner = {**known, tree.variable: Shape() if items is None else items.item()}
            self.read(tree.element, _TEXT if wanted in (None, []) else wanted, inner)
            if tree.condition is not None:
                self.read(tree.condition, True, inner)
        else:
            for part, want in _parts(tree, wanted):
                self.read(part, want, known)
        return None

    def _path(self, tree: Tree, variables: dict[str, Shape]) -> Shape | None:
        if isinstance(tree, Name):
            if tree.name in variables:
                return variables[tree.name]
            if tree.name == "args":
                return self.args
            return None if tree.name in FAMILIES else self.nodes.setdefault(tree.name, Shape())
        if isinstance(tree, Field):
            if isinstance(tree.subject, Name) and tree.subject.name in ("results", "last", "all"):
                shape = self.nodes.setdefault(tree.name, Shape())
                if tree.subject.name != "all":
                    return shape
                runs = Shape()
                runs.items = shape
                return runs
            above = self._path(tree.subject, variables)
            return None if above is None else above.field(tree.name)
        if isinstance(tree, Index):
            above = self._path(tree.subject, variables)
            key = tree.key.value if isinstance(tree.key, Literal) else None
            if above is None or key is None:
                self.read(tree.key, _NUMBER, variables)
                return None
            if isinstance(key, str):
                return above.field(key)
            above.at_least = max(above.at_least, int(key) + 1 if isinstance(key, int) and key >= 0 else 1)
            return above.item()
        self.read(tree, {}, variables)
        return None


def _parts(tree: Tree, wanted: Any) -> list[tuple[Tree, Any]]:
    """The parts of a tree with what is wanted of each."""
    if isinstance(tree, Arithmetic | Negative):
        operand: Any = _TEXT if isinstance(wanted, str) or _is_text(tree) else _NUMBER
        return [(part, operand) for part in children(tree)]
    if isinstance(tree, Junction | Negation):
        return [(part, True) for part in children(tree)]
    if isinstance(tree, IfElse):
        return [(tree.then, wanted), (tree.condition, True), (tree.otherwise, wanted)]
    if isinstance(tree, ObjectOf):
        return [(part, {} if key is None else _TEXT) for key, part in tree.entries]
    if isinstance(tree, Comparison):
        return _compared(tree)
    if isinstance(tree, Call) and tree.arguments:
        first, *others = tree.arguments
        if isinstance(first, ListOf) and tree.function in _ITEMS:
            return [(part, _ITEMS[tree.function]) for part in children(first)]
        want = (_ITEMS if isinstance(first, ListFor) else _WANTED).get(tree.function, _TEXT)
        if tree.function in ("has", "default"):
            want = others[0].value if others and isinstance(others[0], Literal) else wanted
        return [(first, want), *((part, _TEXT) for part in others)]
    return [(part, _TEXT) for part in children(tree)]


def _is_text(tree: Tree) -> bool:
    """Whether an expression is surely a text: a literal, a function that gives one, or ``+`` with one of these."""
    if isinstance(tree, Literal):
        return isinstance(tree.value, str)
    if isinstance(tree, Arithmetic):
        return tree.operator == "+" and (_is_text(tree.left) or _is_text(tree.right))
    return isinstance(tree, Call) and tree.function in _TEXTS


def _compared(tree: Comparison) -> list[tuple[Tree, Any]]:
    found: list[tuple[Tree, Any]] = []
    left = tree.first
    for operator, _, right in tree.rest:
        if operator in ("in", "not in"):
            found += [(left, _TEXT), (right, [left.value] if isinstance(left, Literal) else [])]
        else:
            other = _TEXT if operator in ("==", "!=") else _NUMBER
            found.append((left, right.value if isinstance(right, Literal) else other))
            found.append((right, left.value if isinstance(left, Literal) else other))
        left = right
    return found
