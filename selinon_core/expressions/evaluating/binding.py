"""What binding a tree and evaluating it share: the scope of names, one evaluation, and the variables in sight."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from selinon_core.expressions.faults import shown
from selinon_core.expressions.printer import expression_text
from selinon_core.expressions.tree import Tree
from selinon_core.expressions.values import MAX_STEPS, MAX_TEXT, Budget, EvaluationError, Json, described


class Scope(Protocol):
    """Where the values of names come from."""

    def value(self, kind: str, name: str) -> Json:
        """Return the value of a name as in ``names.NameUse``; ``MissingValue`` where there is none."""


class Run(Budget):
    """One evaluation: its scope, its budget, the variables of ``for``, and what it has seen."""

    __slots__ = ("seen", "value", "variables")

    def __init__(self, scope: Scope, variables: int, seen: dict[str, Json] | None) -> None:
        # Not by a call of the base class: this is done for every evaluation, and takes a good part of a short one.
        self.steps = MAX_STEPS
        self.characters = MAX_TEXT
        self.value = scope.value
        self.variables: list[Json] = [None] * variables
        self.seen = seen


#: What gives the value of a part of a tree in an evaluation.
Evaluate = Callable[[Run], Json]


class Binder:
    """The variables of each ``for`` around the tree that is bound, with the place of their value in an
    evaluation.
    """

    __slots__ = ("item_name", "most_variables", "read", "variables")

    def __init__(self, item_name: str, read: Callable[[Binder, Tree], Evaluate]) -> None:
        self.item_name = item_name
        self.read = read
        self.variables: dict[str, int] = {}
        self.most_variables = 0

    def bind(self, tree: Tree) -> Evaluate:
        """Return what evaluates a tree."""
        return self.read(self, tree)


def label(tree: Tree) -> str:
    """What messages call a part of an expression: its text in quotes, shortened."""
    return shown(expression_text(tree))


def placed(error: EvaluationError, tree: Tree) -> EvaluationError:
    """The error at the place of a tree, unless it has a place already."""
    if error.start < 0:
        error.start, error.end = tree.start, tree.end
    return error


def unfit(value: Json, tree: Tree, expected: str) -> EvaluationError:
    """The error that says what a part of an expression is, and what is expected there."""
    return EvaluationError(f"{label(tree)} is {described(value)}, not {expected}", tree.start, tree.end)
