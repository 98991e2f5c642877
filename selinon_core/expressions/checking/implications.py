"""What a test that held, or did not hold, says of the values that it looked at."""

from __future__ import annotations

from collections.abc import Callable
from operator import ge, gt, le, lt
from typing import Any

from selinon_core.expressions.checking.narrowing import Facts
from selinon_core.expressions.checking.state import State
from selinon_core.expressions.tree import (
    Call,
    Comparison,
    Field,
    Index,
    Junction,
    Literal,
    Negation,
    Tree,
)
from selinon_core.expressions.type_algebra import constants_of, intersection, is_one_value, may_be_equal
from selinon_core.expressions.types import (
    BOOLEAN,
    NULL,
    NULL_TYPE,
    Constant,
    ListType,
    ObjectType,
    Type,
    constant,
    union,
)


def facts_when(state: State, tree: Tree, holds: bool, facts: Facts) -> Facts:
    """What is known once a test was worked out and gave ``holds``."""
    if isinstance(tree, Negation):
        return facts_when(state, tree.operand, not holds, facts)
    if isinstance(tree, Junction):
        if (tree.operator == "and") is holds:
            for operand in tree.operands:
                facts = facts_when(state, operand, holds, facts)
        return facts
    if isinstance(tree, Call):
        return _call(state, tree, holds, facts)
    if isinstance(tree, Comparison):
        if len(tree.rest) == 1 or holds:
            left = tree.first
            for operator, _, right in tree.rest:
                facts = _comparison(state, left, operator, right, holds, facts)
                left = right
        return facts
    path = state.path(tree)
    if path is not None:
        return _narrowed(state, tree, constant(holds), True, facts)
    return facts


def _call(state: State, tree: Call, holds: bool, facts: Facts) -> Facts:
    if tree.function == "has" and len(tree.arguments) == 1 and holds:
        return _there(state, tree.arguments[0], facts)
    if tree.function == "default" and len(tree.arguments) == 2:
        value, other = tree.arguments
        if isinstance(other, Literal) and isinstance(other.value, bool) and other.value is not holds:
            return _narrowed(state, value, constant(holds), True, _there(state, value, facts))
    return facts


def _there(state: State, tree: Tree, facts: Facts) -> Facts:
    """A path has a value; so has everything on the way to it, and none of that is null."""
    path = state.path(tree)
    if path is None:
        return facts
    facts = facts.with_value(path)
    while isinstance(tree, Field | Index):
        tree = tree.subject
        path = state.path(tree)
        type_ = state.quietly(tree, facts)
        if path is not None and NULL in type_.kinds():
            facts = facts.with_type(path, type_.without(NULL))
    return facts


def _comparison(state: State, left: Tree, operator: str, right: Tree, holds: bool, facts: Facts) -> Facts:
    if operator in ("!=", "not in"):
        operator, holds = {"!=": "==", "not in": "in"}[operator], not holds
    if operator == "==":
        for tree, other in ((left, right), (right, left)):
            if state.path(tree) is not None:
                facts = _narrowed(state, tree, state.quietly(other, facts), holds, facts)
            elif isinstance(tree, Call) and tree.function == "default" and len(tree.arguments) == 2:
                facts = _not_the_default(state, tree, state.quietly(other, facts), holds, facts)
    elif operator == "in" and state.path(left) is not None:
        values = [m.any_item() for m in state.quietly(right, facts).members if isinstance(m, ListType)]
        members = [one for value in values for one in value.members]
        if values and holds and all(isinstance(member, Constant) for member in members):
            facts = _narrowed(state, left, union(values), True, facts)
    elif operator in _ORDERS:
        facts = _ordered(state, left, right, _ORDERS[operator], holds, facts)
        facts = _ordered(state, right, left, _ORDERS[_SWAPPED[operator]], holds, facts)
    return facts


def _ordered(
    state: State, tree: Tree, other: Tree, compare: Callable[[Any, Any], bool], holds: bool, facts: Facts
) -> Facts:
    """The constants that a path may have where it compares with another constant, or does not."""
    path = state.path(tree)
    if path is None:
        return facts
    limits, values = constants_of(state.quietly(other, facts)), constants_of(type_ := state.quietly(tree, facts))
    if not limits or not values or not all(isinstance(value, int | float) for value in (*limits, *values)):
        return facts
    kept = {value for value in values if any(compare(value, limit) is holds for limit in limits)}
    members = tuple([m for m in type_.members if isinstance(m, Constant) and m.value in kept])
    return facts if len(members) == len(values) else facts.with_type(path, Type(members))


#: What compares, and what says the same with the sides the other way round.
_ORDERS = {"<": lt, "<=": le, ">": gt, ">=": ge}
_SWAPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _not_the_default(state: State, tree: Call, other: Type, equal: bool, facts: Facts) -> Facts:
    """``default(x, a) == b``, or the opposite, says that there is an ``x`` where the result is not ``a``."""
    path, instead = tree.arguments[0], state.quietly(tree.arguments[1], facts)
    same = is_one_value(instead) and is_one_value(other) and may_be_equal(instead, other)
    if may_be_equal(instead, other) if equal else not same:
        return facts
    facts = _narrowed(state, path, NULL_TYPE, False, _there(state, path, facts))
    return _narrowed(state, path, other, equal, facts)


def _narrowed(state: State, tree: Tree, other: Type, equal: bool, facts: Facts) -> Facts:
    """The value of a path equals a value of another type, or does not. Reading it did not fail."""
    path = state.path(tree)
    if path is None:
        return facts
    type_ = state.quietly(tree, facts)
    if equal:
        narrowed = intersection(type_, other)
    elif not is_one_value(other) or type_.loose:
        return facts
    else:
        narrowed = _minus(type_, other)
    if type_.is_any or (path not in facts.types and narrowed is type_):
        return facts
    known = facts.with_type(path, narrowed)
    if isinstance(tree, Field):
        return _told_apart(state, tree, other, equal, facts, known)
    return known


def _minus(type_: Type, value: Type) -> Type:
    (gone,) = value.members
    if gone.kind == BOOLEAN and isinstance(gone, Constant):
        rest = [m for m in type_.members if m.kind != BOOLEAN]
        left = [m for m in type_.of(BOOLEAN) if m != gone]
        kept = [Constant(BOOLEAN, not gone.value)] if left else []
        return Type((*rest, *kept), type_.loose)
    return Type(tuple([member for member in type_.members if member != gone]), type_.loose)


def _told_apart(state: State, tree: Field, other: Type, equal: bool, before: Facts, facts: Facts) -> Facts:
    """The objects of a union whose key has, or has not, a value: ``x.kind == "a"``."""
    path = state.path(tree.subject)
    if path is None:
        return facts
    subject = state.quietly(tree.subject, before)
    kept = tuple([m for m in subject.members if not _is_excluded(m, tree.name, other, equal)])
    if len(kept) == len(subject.members):
        return facts
    return Facts({**facts.types, path: Type(kept, subject.loose)}, facts.present)


def _is_excluded(member: object, key: str, other: Type, equal: bool) -> bool:
    if not isinstance(member, ObjectType):
        return False
    value = member.value_of(key)
    if equal:
        return value.is_never or not may_be_equal(value, other)
    return (
        not value.loose and key in member.required and len(value.members) == 1 and value.members == other.members
    )
