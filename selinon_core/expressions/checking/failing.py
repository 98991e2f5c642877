"""Constants with which an operator or a function always fails: a division by 0, ``float("abc")``.

Where what is known of values contradicts itself, the part is never worked out, and nothing is said.
"""

from __future__ import annotations

from collections.abc import Mapping

from selinon_core.expressions.checking.findings import Finding, Kind
from selinon_core.expressions.checking.narrowing import Facts
from selinon_core.expressions.checking.state import State
from selinon_core.expressions.functions import FUNCTIONS
from selinon_core.expressions.tree import Arithmetic, Call, ListOf, Literal, Tree
from selinon_core.expressions.type_algebra import constants_of
from selinon_core.expressions.type_words import describe
from selinon_core.expressions.types import Type
from selinon_core.expressions.values import Budget, EvaluationError, Json

#: Function -> the position of the argument with which it may fail whatever the others are, and harmless arguments.
_DECIDING: Mapping[str, tuple[int, tuple[Json, ...]]] = {
    "int": (0, ("0",)),
    "float": (0, ("0",)),
    "round": (1, (0, 0)),
    "split": (1, ("", ",")),
    "replace": (1, ("", "old", "")),
}


def division(state: State, tree: Arithmetic, divisor: Type, facts: Facts) -> bool:
    """Whether this is a division by 0, which is reported."""
    values = constants_of(divisor)
    if not values or any(values):
        return False
    return _report(state, tree, tree.right, divisor, "nothing is divided by 0", facts)


def function(state: State, tree: Call, types: list[Type], facts: Facts) -> bool:
    """Whether a call fails with each value that one of its arguments has, which is reported.

    ``types`` are those of the arguments.
    """
    if tree.function in ("min", "max"):
        (first, *others) = tree.arguments
        if others or not isinstance(first, ListOf) or first.items:
            return False
        return _report(state, tree, first, types[0], f"{tree.function}() of an empty list has no value", facts)
    position, harmless = _DECIDING.get(tree.function, (len(types), ()))
    values = constants_of(types[position]) if position < len(types) else None
    if not values:
        return False
    before, after = harmless[:position], harmless[position + 1 :]
    reasons = [_reason(tree.function, (*before, value, *after)) for value in values]
    return all(reasons) and _report(state, tree, tree.arguments[position], types[position], reasons[0], facts)


def _reason(name: str, arguments: tuple[Json, ...]) -> str:
    """Why a function fails with some arguments; empty where it does not."""
    implementation = FUNCTIONS[name].implementation
    assert implementation is not None
    try:
        implementation(Budget(), *arguments)
    except EvaluationError as error:
        return str(error)
    return ""


def _report(state: State, tree: Tree, place: Tree, type_: Type, reason: str, facts: Facts) -> bool:
    if any(known.is_never for known in facts.types.values()):
        return False
    message = f"{state.shown(tree)} always fails: {reason}"
    note = "" if isinstance(place, Literal | ListOf) else f"it is {describe(type_)}"
    state.findings.append(Finding(Kind.WRONG_TYPE, place.start, place.end, message, note))
    return True
