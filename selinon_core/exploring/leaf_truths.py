"""Truths of the leaves of a condition on worlds, and what a condition can be when some of them are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from selinon_core.plan import And, Condition, Leaf, Not, Test
from selinon_core.worlds import ReadTest

#: What a leaf is known by: equal leaves have equal truths.
LeafKey = tuple[str, str, str | None]


def leaf_key(leaf: Leaf | Test | ReadTest) -> LeafKey:
    """What makes two leaves on one value the same."""
    if not isinstance(leaf, Leaf):
        return ("", leaf.text, None)
    return (str(leaf.function), repr(sorted(leaf.args.items())), leaf.quantifier)


class Truths(NamedTuple):
    """A leaf on the worlds of a variable: ``all`` of them, where it holds, and where it fails."""

    all: int
    true: int
    undefined: int = 0


def possible_truths(condition: Condition, truths: Mapping[LeafKey, bool | None]) -> frozenset[bool | None]:
    """What a condition can be when some of its leaves are known; None among it: it fails."""
    if isinstance(condition, Leaf | Test):
        key = leaf_key(condition)
        return frozenset({truths[key]}) if key in truths else frozenset({True, False})
    if isinstance(condition, Not):
        inner = possible_truths(condition.operand, truths)
        return frozenset(None if truth is None else not truth for truth in inner)
    goes_on = isinstance(condition, And)
    found: set[bool | None] = set()
    for operand in condition.operands:
        inner = possible_truths(operand, truths)
        found |= inner - {goes_on}
        if goes_on not in inner:
            return frozenset(found)
    return frozenset(found | {goes_on})
