"""The unknowns of conditions: which leaves are the same one, and what the shipped predicates exclude."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any

from selinon_core.config.model import ConditionDef, LeafDef, TestDef
from selinon_core.lint.analysis.predicates import Predicates

if TYPE_CHECKING:
    from selinon_core.expressions.names import NameUse
    from selinon_core.plan.comparisons import PlainTest


class Atom:
    """An unknown truth value. Atoms are equal when they certainly have the same value.

    For a shipped predicate on a field, ``subject`` says what is looked at (whose data, and the field in it),
    ``test`` is the predicate's name without prefix, and ``operand`` what the field is compared with. Comparisons
    in expressions have the same three, and are ``is_strict``: without a value to compare there is no answer, so
    of "less", "equal" and "greater" one is true.
    """

    __slots__ = ("_hash", "is_strict", "key", "operand", "subject", "test")

    def __init__(
        self, key: object, subject: object = None, test: str = "", operand: Any = None, is_strict: bool = False
    ) -> None:
        self.is_strict = is_strict
        self.key = key
        self.subject = subject
        self.test = test
        self.operand = operand
        self._hash = hash(key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Atom) and self.key == other.key

    def __hash__(self) -> int:
        return self._hash


class AtomMaker:
    """Makes the atoms of one edge's or one fallback's condition, each once; ``sources`` are the edge's."""

    __slots__ = ("_made", "_names", "_predicates", "_serial", "_sources", "_tests")

    def __init__(self, predicates: Predicates, sources: tuple[str, ...] = ()) -> None:
        self._predicates = predicates
        self._sources = sources
        self._serial = count()
        self._made: dict[int, Atom] = {}
        self._tests: dict[int, PlainTest] = {}
        self._names: dict[int, tuple[NameUse, ...]] = {}

    def constant(self, leaf: LeafDef | TestDef) -> bool | None:
        """The value of a leaf that is a constant; None otherwise."""
        if isinstance(leaf, TestDef):
            return leaf.constant
        if leaf.name.name in ("alwaysTrue", "alwaysFalse") and self._predicates.is_shipped(leaf.name.name):
            return leaf.name.name == "alwaysTrue"
        return None

    def atom(self, condition: ConditionDef) -> Atom:
        """The unknown of a leaf. What is broken, or asks the world, is like nothing else."""
        made = self._made.get(id(condition))
        if made is None:
            made = self._made[id(condition)] = self._make(condition)
        return made

    def is_opposite(self, test: TestDef) -> bool:
        """Whether an expression is the opposite of its atom: ``a <= b`` has the atom of ``a > b``."""
        return self._test(test).is_opposite

    def names_in(self, test: TestDef) -> tuple[NameUse, ...]:
        """The names that an expression uses."""
        found = self._names.get(id(test))
        if found is None:
            from selinon_core.expressions.names import names_used

            found = self._names[id(test)] = names_used(test.tree)
        return found

    def _test(self, test: TestDef) -> PlainTest:
        found = self._tests.get(id(test))
        if found is None:
            from selinon_core.plan.comparisons import plain_test

            found = self._tests[id(test)] = plain_test(test.tree)
        return found

    def _make(self, condition: ConditionDef) -> Atom:
        if isinstance(condition, TestDef):
            key, subject, test, operand, _ = self._test(condition)
            return Atom(key, subject, test, operand, is_strict=True)
        if not isinstance(condition, LeafDef) or condition.args is None or condition.node_broken:
            return Atom((id(self), next(self._serial)))
        name = condition.name.name
        shipped = self._predicates.is_shipped(name)
        if shipped and name == "httpStatus":
            return Atom((id(self), next(self._serial)))
        node = self._node(condition, name)
        args = condition.args
        plain = (name, node, condition.quantifier, repr(sorted(args.items(), key=lambda item: str(item[0]))))
        if not shipped or condition.quantifier is not None:  # a quantified leaf looks at many values
            return Atom(plain)
        on_args = name.startswith("args")
        test = name[4].lower() + name[5:] if on_args else name
        whole = "node_args" if on_args else node
        if not test.startswith("field"):
            return Atom(plain, (whole, None), test)
        if "key" not in args:
            return Atom(plain)
        key = args["key"]
        subject = (whole, repr(key if isinstance(key, list) else [key]))
        operand = args.get("value", args.get("length"))
        return Atom(plain, subject, test.removeprefix("field"), operand)

    def _node(self, leaf: LeafDef, name: str) -> tuple[str, ...] | None:
        if self._predicates.takes_message(name) is False:
            return None
        if leaf.node is not None:
            return tuple(ref.name for ref in leaf.node)
        return self._sources if len(self._sources) == 1 else None


#: Types that no value has two of; by test on a field, and on the whole.
_TYPES = frozenset({"None", "Bool", "Int", "Float", "Str", "List", "Dict"})
_WHOLE_TYPES = frozenset({"isNone", "isBool", "isInt", "isFloat", "isStr", "isList", "isDict"})
_ORDER = {
    "Equal": "=",
    "Greater": ">",
    "GreaterEqual": ">=",
    "Less": "<",
    "LessEqual": "<=",
    "NotEqual": "!=",
}


def impossible_together(a: Atom, b: Atom) -> bool:
    """Return whether two atoms are never both true."""
    if a.subject is None or a.subject != b.subject:
        return False
    if a.test in _TYPES and b.test in _TYPES:
        return a.test != b.test
    if a.test in _WHOLE_TYPES and b.test in _WHOLE_TYPES:
        return a.test != b.test
    in_length = a.test.startswith("Len")
    if in_length != b.test.startswith("Len"):
        return False
    first, second = (_ORDER.get(t.removeprefix("Len") if in_length else t) for t in (a.test, b.test))
    if first is None or second is None:
        return False
    return _exclude(first, a.operand, second, b.operand)


def implies(a: Atom, b: Atom) -> bool:
    """Return whether ``a`` being true makes ``b`` true: a field with a property exists, ``x > 5`` is ``x > 3``."""
    if a.is_strict and b.is_strict:
        return a.subject is not None and a.subject == b.subject and _follows(a, b)
    return a.subject is not None and a.subject == b.subject and b.test == "Exist" and a.test != "Exist"


def one_holds(atoms: Iterable[Atom]) -> Iterator[tuple[Atom, ...]]:
    """Yield groups of atoms of which one is true: a number is less than another, equal, or greater."""
    groups: dict[object, dict[str, Atom]] = {}
    for atom in atoms:
        if atom.is_strict and atom.subject is not None and _is_ordered(atom.operand):
            groups.setdefault((atom.subject, atom.operand), {})[atom.test] = atom
    for group in groups.values():
        if len(group) == 3:
            yield tuple(group.values())


def _follows(a: Atom, b: Atom) -> bool:
    first, x, second, y = _ORDER.get(a.test), a.operand, _ORDER.get(b.test), b.operand
    if first is None or second is None or not _is_ordered(x) or isinstance(x, str) is not isinstance(y, str):
        return False
    if not _is_ordered(y):
        return False
    if first == "=":
        return bool(x == y if second == "=" else x > y if second == ">" else x < y)
    return first == second and bool(x >= y if first == ">" else x <= y)


def _is_ordered(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _exclude(first: str, x: Any, second: str, y: Any) -> bool:
    """Return whether no value v has both ``v first x`` and ``v second y``."""
    if first == "=" and second == "=":
        return bool(x != y)
    if {first, second} == {"=", "!="}:
        return bool(x == y)
    if not (isinstance(x, str) and isinstance(y, str)) and not (_is_number(x) and _is_number(y)):
        return False  # what orders with one of them may order with the other in ways of its own
    if first in ("<", "<=") or (first == "=" and second in (">", ">=")):
        first, x, second, y = second, y, first, x
    if first in ("=", ">", ">=") and second in ("<", "<="):
        return bool(y < x if first != ">" and second == "<=" else y <= x)
    if first in (">", ">=") and second == "=":
        return bool(y < x if first == ">=" else y <= x)
    return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)
