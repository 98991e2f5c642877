"""From a tree to its value: a tree is bound once, to functions that call each other, and evaluated often.

Operands are evaluated from left to right, and only as far as needed: ``and``, ``or``, ``if ... else``, chains
of comparisons, ``default``, and ``any`` and ``all`` of a ``for`` stop where the result is known. Nothing is
changed and nothing is copied: a value may share parts with what the scope gave.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from selinon_core.expressions.evaluating.binding import Binder, Evaluate, Run, Scope
from selinon_core.expressions.evaluating.calls import bind_call, bind_list_for, bind_list_of, bind_object_of
from selinon_core.expressions.evaluating.operators import (
    bind_arithmetic,
    bind_comparison,
    bind_if_else,
    bind_junction,
    bind_negation,
    bind_negative,
)
from selinon_core.expressions.evaluating.paths import bind_path
from selinon_core.expressions.parser import parse
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
from selinon_core.expressions.values import EvaluationError, Json, MissingValue

__all__ = ["Bound", "EvaluationError", "MissingValue", "Scope", "bind", "bind_of_plan", "bind_text"]


class Bound:
    """An expression that is ready to be evaluated. Threads may share it."""

    __slots__ = ("_evaluate", "_variables")

    def __init__(self, evaluate: Evaluate, variables: int) -> None:
        self._evaluate = evaluate
        self._variables = variables

    def __call__(self, scope: Scope, seen: dict[str, Json] | None = None) -> Json:
        """Return the value; ``seen`` gets the value of every path that was read, by the text of the path.

        ``EvaluationError`` where there is no value. What else the scope raises is passed on.
        """
        return self._evaluate(Run(scope, self._variables, seen))


def bind(tree: Tree, item_name: str = "item") -> Bound:
    """Prepare a tree without faults; ``item_name`` is what the foreach calls its item.

    ``EvaluationError`` where the tree uses a function that does not exist, or with a wrong number of arguments;
    where ``has`` or ``default`` ask for what is not a path; and where a family of names is used without a
    member.
    """
    binder = Binder(item_name, _bind)
    evaluate = binder.bind(tree)
    return Bound(evaluate, binder.most_variables)


@lru_cache(maxsize=4096)
def bind_text(text: str, item_name: str = "item") -> Bound:
    """Prepare the text of an expression; ``EvaluationError`` as from ``bind``, and for the first fault of the
    text. Plans that differ little have most texts in common, and what is bound depends on the text alone.
    """
    tree, faults = parse(text)
    for fault in faults:
        raise EvaluationError(fault.message, fault.start, fault.end)
    return bind(tree, item_name)


def bind_of_plan(text: str, item_name: str = "item") -> Bound:
    """Prepare the text of an expression of a plan; what ``bind_text`` raises, each evaluation raises.

    A plan has such an expression where a comment silences what lint says of it.
    """
    try:
        return bind_text(text, item_name)
    except EvaluationError as error:
        message, start, end = error.message, error.start, error.end

    def fail(run: Run) -> Json:
        raise EvaluationError(message, start, end)

    return Bound(fail, 0)


def _bind(binder: Binder, tree: Tree) -> Evaluate:
    return _BIND[type(tree)](binder, tree)


def _literal(binder: Binder, tree: Literal) -> Evaluate:
    value = tree.value
    return lambda run: value


def _broken(binder: Binder, tree: Broken) -> Evaluate:
    raise EvaluationError("the expression has a fault here", tree.start, tree.end)


_BIND: dict[type, Callable[[Binder, Any], Evaluate]] = {
    Literal: _literal,
    Name: bind_path,
    Field: bind_path,
    Index: bind_path,
    Call: bind_call,
    Negative: bind_negative,
    Arithmetic: bind_arithmetic,
    Comparison: bind_comparison,
    Negation: bind_negation,
    Junction: bind_junction,
    IfElse: bind_if_else,
    ListOf: bind_list_of,
    ObjectOf: bind_object_of,
    ListFor: bind_list_for,
    Broken: _broken,
}
