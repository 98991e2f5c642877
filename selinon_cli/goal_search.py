"""What exploring the flows says about goals of coverage: which no run can meet, and a run that meets one.

``covering`` and ``exploring`` know nothing of each other. Their goals are matched here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from selinon_core.covering import Goal
from selinon_core.exploring import Exploration, Limits, ProjectModel, Summaries, witness_of
from selinon_core.exploring import Goal as Asked
from selinon_core.exploring.observation import Context
from selinon_core.plan import Plan
from selinon_core.project.result_schemas import ResultSchemas
from selinon_core.project.shipped_predicates import ShippedPredicates

if TYPE_CHECKING:
    from selinon_core.cases.model import Case

#: Runs tried per flow. The number is fixed, so that a percentage does not depend on how fast a machine is.
BUDGET = 2000
NEVER = "no run of the flow leads there, whatever tasks return or fail (selinon check)"

_OF_EDGES = {
    "edge-fired": "edge_fired",
    "edge-no": "edge_no",
    "atom-true": "atom_true",
    "atom-false": "atom_false",
    "foreach-none": "foreach_none",
    "foreach-one": "foreach_one",
    "foreach-many": "foreach_many",
}
_OF_FAILURES = {
    "fallback-used": "fallback_used",
    "fallback-true": "fallback_true",
    "fallback-false": "fallback_false",
    "atom-true": "fallback_atom_true",
    "atom-false": "fallback_atom_false",
}
_OF_NODES = {"node-ran": "node", "eager-failure": "eager_failure", "subflow-failure": "subflow_failed"}
_OF_FLOWS = {"timeout": "timed_out", "retry-helped": "retry_helped", "retry-gave-up": "retry_gave_up"}


class GoalSearch:
    """Explores flows of a plan when something is asked about them.

    ``pythonpath`` is where the annotations of tasks and the module of the predicates are read. ``is_over`` says
    that time is up: what was not explored then is neither impossible nor found.
    """

    def __init__(
        self,
        plan: Plan,
        pythonpath: Sequence[str] | None = None,
        *,
        budget: int = BUDGET,
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        self._plan = plan
        self.results = ResultSchemas(os.curdir, pythonpath)
        self._model = ProjectModel(ShippedPredicates(pythonpath or ()).resolved(plan), self.results.of)
        self._narrow = Summaries(self._model, Limits(budget=budget), is_over)
        self._wide = Summaries(self._model, Limits(failures=None, budget=budget), is_over)

    def impossible(self, goals: Iterable[Goal]) -> dict[str, str]:
        """Those of the goals that no run can meet, each with the reason."""
        return {goal.id: NEVER for goal in goals if self._is_never(goal)}

    def witness(self, goal: Goal, name: str, file: str) -> Case | None:
        """A case that meets a goal, None when no run that was tried does.

        For a retry or time-out of a task it is a case in which the task runs.
        """
        asked = _asked(goal) or _precondition(goal)
        for summaries in (self._narrow, self._wide):
            for context in self._contexts(goal.flow):
                found = summaries.explore(context)
                choices = found.witness_of(asked) if asked in found.goals else None
                if choices is not None:
                    return witness_of(summaries, context, choices, name, file).case
        return None

    def _contexts(self, flow: str) -> tuple[Context, ...]:
        """A flow runs with arguments or without, which makes a difference where conditions read them."""
        return (Context(flow), Context(flow, False)) if self._model[flow].reads_args else (Context(flow),)

    def _is_never(self, goal: Goal) -> bool:
        if goal.flow not in self._plan.flows:
            return False
        asked = [one for one in (_asked(goal), _precondition(goal)) if one is not None]
        return any(self._never_reached(goal.flow, one) for one in asked)

    def _never_reached(self, flow: str, asked: Asked) -> bool:
        """Whether every run was tried, with any number of failures, and none reached it."""
        for context in self._contexts(flow):
            found = self._narrow.explore(context)
            if asked not in found.goals or found.is_reached(asked) or not _is_whole(found):
                return False
            if "failures" in found.cuts:
                wide = self._wide.explore(context)
                if wide.is_reached(asked) or not _is_whole(wide):
                    return False
        return True


def _is_whole(found: Exploration) -> bool:
    return found.is_complete and "visits" not in found.cuts


def _asked(goal: Goal) -> Asked | None:
    """The goal as explorations know it; None for what they do not look at."""
    kind, _, name = goal.element.partition(":")
    known = {"edge": _OF_EDGES, "failure": _OF_FAILURES, "node": _OF_NODES, "flow": _OF_FLOWS}[kind].get(goal.kind)
    if known is None:
        return None
    subject: str | int = int(name) if kind in ("edge", "failure") else name
    return Asked(known, subject, goal.atom)  # type: ignore[arg-type]  # the values of the tables are such kinds


def _precondition(goal: Goal) -> Asked | None:
    """What has to happen before the goal can be met: a node that never runs has no retries."""
    kind, _, name = goal.element.partition(":")
    return Asked("node", name) if kind == "node" else None
