"""Expressions of conditions that are about one value: what they look at, and their truth for a value.

The values that can turn an expression are found by shipped predicates that look at the same places, so only forms
are read for which these find all: comparisons of a path with constants, lengths, ``has``, ``default`` with a
constant, and what ``and``, ``or``, ``not`` and ``if`` make of them. Every other expression stays an unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from selinon_core.diagnostics.location import Place
from selinon_core.expressions.evaluate import Bound, bind_text
from selinon_core.expressions.names import constant_key, name_of, path_of
from selinon_core.expressions.tree import (
    Call,
    Comparison,
    IfElse,
    Junction,
    ListOf,
    Literal,
    Name,
    Negation,
    Negative,
    Tree,
)
from selinon_core.expressions.values import EvaluationError
from selinon_core.plan import ImportRef, Leaf
from selinon_core.plan.expression_uses import tree_of, uses_of
from selinon_core.plan.shipped import PREDICATE_MODULES

_NOWHERE = Place("", 0, 0)
#: Numbers up to it have others beside them, and lists are built up to ``_FARTHEST``.
_LARGEST = 10**12
_FARTHEST = 50
#: What tells values apart that are compared by equality, and by order.
_EQUAL, _ORDER = ("Equal",), ("Less", "Greater")
_SCALARS = (str, int, float, bool, type(None))


class ReadTest(NamedTuple):
    """An expression about the result of the node ``node``, or for None about the arguments of the flow.

    ``leaves`` are shipped predicates that look at the same places, for the values to try there. ``constants`` are
    the ``vars`` that it reads.
    """

    text: str
    node: str | None
    leaves: tuple[Leaf, ...]
    bound: Bound
    constants: Mapping[str, Any]

    def truth(self, value: Any) -> bool | None:
        """What the expression is for a value; None where it has no truth: it fails, as the flow would."""
        try:
            found = self.bound(_Scope(value, self.constants))
        except EvaluationError:
            return None
        return found if isinstance(found, bool) else None


class _Scope:
    """The one value that an expression reads, and constants."""

    def __init__(self, value: Any, constants: Mapping[str, Any]) -> None:
        self._value = value
        self._constants = constants

    def value(self, kind: str, name: str) -> Any:
        """A constant, or the value, whatever it is called."""
        return self._constants[name] if kind == "vars" else self._value


class _NotRead(Exception):
    """The expression is of a form that is not read here."""


def read_test(text: str, constants: Mapping[str, Any]) -> ReadTest | None:
    """The expression, if it is of a form that is read here, and about one value only.

    ``constants`` are the ``vars`` of the flow.
    """
    names = dict.fromkeys(use.name for use in uses_of(text) if use.kind == "vars")
    if not constants.keys() >= names.keys():
        return None
    values = tuple((name, type(constants[name]), constants[name]) for name in names)
    return _read(text, values) if all(kind in _SCALARS for _, kind, _ in values) else None


@lru_cache(maxsize=4096)
def _read(text: str, constants: tuple[tuple[str, type, Any], ...]) -> ReadTest | None:
    """``constants`` have their types beside them: 1 and True are equal."""
    values = {name: value for name, _, value in constants}
    reader = _Reader(values)
    try:
        reader.truth(tree_of(text))
        bound = bind_text(text)
    except (_NotRead, EvaluationError):
        return None
    if len(reader.subjects) != 1:
        return None
    ((kind, name),) = reader.subjects
    return ReadTest(text, name if kind == "node" else None, tuple(reader.leaves), bound, values)


class _Reader:
    """Gathers what an expression looks at: ``subjects`` as kinds and names, and ``leaves``."""

    def __init__(self, constants: Mapping[str, Any]) -> None:
        self._constants = constants
        self.subjects: set[tuple[str, str]] = set()
        self.leaves: list[Leaf] = []

    def truth(self, tree: Tree) -> None:
        """Read what has to be true or false."""
        if isinstance(tree, Comparison):
            left = tree.first
            for operator, _, right in tree.rest:
                self._compared(operator, left, right)
                left = right
        elif isinstance(tree, Junction):
            for operand in tree.operands:
                self.truth(operand)
        elif isinstance(tree, Negation):
            self.truth(tree.operand)
        elif isinstance(tree, IfElse):
            for part in (tree.condition, tree.then, tree.otherwise):
                self.truth(part)
        elif isinstance(tree, Call) and tree.function == "has" and len(tree.arguments) == 1:
            self._look("fieldExist", tree.arguments[0])
        elif not isinstance(tree, Literal):
            self._value(_EQUAL, tree, True)

    def _compared(self, operator: str, left: Tree, right: Tree) -> None:
        if operator in ("in", "not in"):
            if not isinstance(right, ListOf):
                raise _NotRead
            for item in right.items:
                self._value(_EQUAL, left, self._constant(item))
            return
        if self._is_constant(left):
            left, right = right, left
        value = self._constant(right)
        if operator not in ("==", "!=") and not isinstance(value, int | float):
            raise _NotRead  # between two texts there are others
        self._value(_EQUAL if operator in ("==", "!=") else _ORDER, left, value)

    def _value(self, tests: tuple[str, ...], tree: Tree, value: Any) -> None:
        """Read what is compared with a constant; ``tests`` tell its values apart."""
        if isinstance(tree, Call) and tree.function == "len" and len(tree.arguments) == 1:
            if not isinstance(value, int) or not 0 <= value < _FARTHEST:
                raise _NotRead
            for test in tests:
                self._look(f"fieldLen{test}", tree.arguments[0], length=value)
            return
        if isinstance(tree, Call) and tree.function == "default" and len(tree.arguments) == 2:
            self._constant(tree.arguments[1])
            tree = tree.arguments[0]
            self._look("fieldExist", tree)
        for test in tests:
            self._look(f"field{test}", tree, value=value)

    def _look(self, predicate: str, tree: Tree, **args: Any) -> None:
        """Note a predicate that looks where a path leads to."""
        root, steps = path_of(tree)
        if not isinstance(root, Name):
            raise _NotRead
        use, taken = name_of(root, steps)
        keys = [constant_key(step) for step in steps[taken:]]
        if use.kind not in ("node", "args") or not use.name:
            raise _NotRead
        if any(key is None or (isinstance(key, int) and not 0 <= key < _FARTHEST) for key in keys):
            raise _NotRead
        self.subjects.add((use.kind, use.name))
        function = ImportRef(PREDICATE_MODULES[0], predicate)
        self.leaves.append(Leaf(function, (use.name,), {"key": keys, **args}, None, _NOWHERE))

    def _is_constant(self, tree: Tree) -> bool:
        if isinstance(tree, Negative):
            tree = tree.operand
        return isinstance(tree, Literal) or self._constant_name(tree) is not None

    def _constant(self, tree: Tree) -> Any:
        """The value of a constant, which is not too large to have others beside it."""
        if isinstance(tree, Negative):
            value = self._constant(tree.operand)
            if not isinstance(value, int | float) or isinstance(value, bool):
                raise _NotRead
            return -value
        name = self._constant_name(tree)
        if name is None and not isinstance(tree, Literal):
            raise _NotRead
        value = tree.value if isinstance(tree, Literal) else self._constants[str(name)]
        if isinstance(value, int | float) and abs(value) > _LARGEST:
            raise _NotRead
        return value

    def _constant_name(self, tree: Tree) -> str | None:
        """Which of the ``vars`` a tree is, None for anything else."""
        root, steps = path_of(tree)
        if not isinstance(root, Name):
            return None
        use, taken = name_of(root, steps)
        return use.name if use.kind == "vars" and taken == len(steps) and use.name in self._constants else None
