"""The arguments that a recorded flow run worked out, as answers for a machine with the new flow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from selinon_core.dispatch import effects as do
from selinon_core.plan import EdgePlan, FailurePlan, FlowPlan
from selinon_core.plan.flow_diff import MigrationStep, follow


class RecordedArguments:
    """``was`` is the flow that the run was recorded with, ``steps`` map its edges to those of the new flow.

    The record has an event for each item of a question; what they give is collected until it is complete.
    """

    def __init__(self, was: FlowPlan, steps: Sequence[MigrationStep]) -> None:
        self._was = was
        self._steps = tuple(steps)
        self._given: dict[int, list[list[Any]]] = {}

    def has(self, entry: EdgePlan | FailurePlan) -> bool:
        """Whether the old flow, too, worked out the arguments; if so, they are in the record."""
        if isinstance(entry, EdgePlan):
            return any(
                edge.args is not None and follow(self._steps, edge.index) == entry.index
                for edge in self._was.edges
            )
        same = (entry.nodes, entry.fallback)
        return any((was.nodes, was.fallback) == same for was in self._was.failures if was.args is not None)

    def taken(self, question: do.AskArgs, details: Mapping[str, Any]) -> list[list[Any]] | None:
        """The answer to a question once all of its items are known, None before and for other questions."""
        if not self._is_about(question, details):
            return None
        given = self._given.setdefault(question.question, [])
        what = details.get("what")
        given.append([0, details.get("args"), details.get("refused") or {}] if what is None else [1, what])
        return given if len(given) == len(question.positions) else None

    def _is_about(self, question: do.AskArgs, details: Mapping[str, Any]) -> bool:
        if list(question.destinations) != details.get("nodes_to"):
            return False
        index = details.get("edge")
        if isinstance(question.entry, EdgePlan):
            return index is not None and follow(self._steps, index) == question.entry.index
        return index is None and list(question.entry.nodes) == details.get("nodes")
