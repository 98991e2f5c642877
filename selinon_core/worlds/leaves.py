"""What a leaf of a condition looks at, and its truth for a value, by the shipped predicates themselves."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import cache
from typing import Any

from selinon_core import predicates
from selinon_core.plan import ImportRef, Leaf, Test
from selinon_core.plan.condition_text import constant_truth
from selinon_core.plan.shipped import PREDICATE_MODULES, PREDICATES

_ENVIRONMENT = ("envExist", "envEqual")
_CONSTANT = ("alwaysTrue", "alwaysFalse")


class LeafKind(Enum):
    """What decides the truth of a leaf.

    ``RESULT`` and ``ARGUMENTS`` are judged for a value. ``ENVIRONMENT`` is a variable of the process, which does
    not change during a run. ``UNKNOWN`` is a function of the project, one that asks a server, or an expression.
    """

    RESULT = "result"
    ARGUMENTS = "arguments"
    CONSTANT = "constant"
    ENVIRONMENT = "environment"
    UNKNOWN = "unknown"


@cache
def _kind(function: ImportRef) -> LeafKind:
    if function.module not in PREDICATE_MODULES or function.name not in PREDICATES:
        return LeafKind.UNKNOWN
    if function.name in _CONSTANT:
        return LeafKind.CONSTANT
    if function.name in _ENVIRONMENT:
        return LeafKind.ENVIRONMENT
    signature = PREDICATES[function.name]
    if signature.takes_message:
        return LeafKind.RESULT
    return LeafKind.ARGUMENTS if signature.takes_node_args else LeafKind.UNKNOWN


def kind_of(leaf: Leaf | Test) -> LeafKind:
    """What decides the truth of a leaf."""
    if isinstance(leaf, Test):
        return LeafKind.UNKNOWN if constant_truth(leaf) is None else LeafKind.CONSTANT
    return _kind(leaf.function)


@cache
def _predicate(name: str) -> Callable[..., bool]:
    function: Callable[..., bool] = getattr(predicates, name)
    return function


def judge(leaf: Leaf, value: Any) -> bool:
    """The truth of a leaf whose kind is ``RESULT``, ``ARGUMENTS`` or ``CONSTANT`` for the value it looks at."""
    function, kind = _predicate(leaf.function.name), kind_of(leaf)
    if kind is LeafKind.RESULT:
        return function(message=value, **leaf.args)
    if kind is LeafKind.ARGUMENTS:
        return function(node_args=value, **leaf.args)
    assert kind is LeafKind.CONSTANT
    return function()
