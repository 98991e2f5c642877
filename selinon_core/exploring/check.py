"""Checks of flows: an exploration, further ones where a verdict needs them, and the verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from selinon_core.cases.model import Invariant
from selinon_core.exploring.exploration import Exploration
from selinon_core.exploring.failure_table import failure_table
from selinon_core.exploring.goals import Goal
from selinon_core.exploring.limits import Limits
from selinon_core.exploring.model import ProjectModel
from selinon_core.exploring.observation import Context
from selinon_core.exploring.properties import FailureRow, Property
from selinon_core.exploring.summaries import Summaries
from selinon_core.exploring.verdicts import Judge
from selinon_core.exploring.witness import Witness, witness_of
from selinon_core.plan import FlowPlan

_REACHABLE = ("node", "edge_fired", "edge_no", "fallback_used")


class FlowCheck(NamedTuple):
    """Everything that is known of one flow; ``properties`` and ``failures`` in the order of reports."""

    flow: FlowPlan
    context: Context
    summaries: Summaries
    exploration: Exploration
    properties: tuple[Property, ...]
    failures: tuple[FailureRow, ...]


class Reached(NamedTuple):
    """Whether a goal can be reached: ``witness``, a run that does, or ``is_impossible``, or neither is known."""

    witness: Witness | None
    is_impossible: bool


class Checker:
    """Checks flows of a project within limits."""

    def __init__(
        self,
        project: ProjectModel,
        limits: Limits,
        invariants: Sequence[Invariant] = (),
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        self._project = project
        self._limits = limits
        self._invariants = invariants
        self._is_over = is_over
        self._summaries = Summaries(project, limits, is_over, invariants)
        self._wider: Summaries | None = None

    def check(self, flow: str) -> FlowCheck:
        """Explore a flow and judge what was seen."""
        context = Context(flow)
        exploration = self._summaries.explore(context)
        plan = self._project.plan.flows[flow]
        rows = failure_table(plan, exploration)
        properties = tuple(self._judge(flow, rows).properties())
        return FlowCheck(plan, context, self._summaries, exploration, properties, rows)

    def reach(self, flow: str, goal: Goal, name: str) -> Reached:
        """Look for a run that reaches a goal, and give it as a case called ``name``; of several, one that ends.

        A goal is impossible only if every run was tried, those with any number of failures too. The goals of a
        flow are in ``Exploration.goals``; raises ``ValueError`` for another one.
        """
        context = Context(flow)
        for summaries in self._summaries_for(flow, goal):
            choices = summaries.explore(context).witness_of(goal)
            if choices is not None:
                return Reached(witness_of(summaries, context, choices, name), False)
        return Reached(None, self._judge(flow, ()).is_never(goal))

    def _summaries_for(self, flow: str, goal: Goal) -> Iterator[Summaries]:
        yield self._summaries
        if not self._judge(flow, ()).is_never(goal):
            self._all_failures(flow)
            assert self._wider is not None
            yield self._wider

    def _judge(self, flow: str, rows: tuple[FailureRow, ...]) -> Judge:
        exploration = self._summaries.explore(Context(flow))
        return Judge(self._project[flow], self._summaries, exploration, rows, self._all_failures, self._growth_of)

    def _all_failures(self, flow: str) -> Exploration:
        """The flow with any number of failures: what is not reached then is never reached."""
        if self._wider is None:
            limits = self._limits._replace(failures=None)
            self._wider = Summaries(self._project, limits, self._is_over)
        return self._wider.explore(Context(flow))

    def _growth_of(self, flow: str, edge: int) -> tuple[int, ...]:
        """How often a join is considered at most with 1, 2, ... visits."""
        found = []
        for visits in range(1, self._limits.visits + 1):
            limits = self._limits._replace(visits=visits, failures=0, budget=min(self._limits.budget, 500))
            exploration = Summaries(self._project, limits, self._is_over).explore(Context(flow))
            found.append(exploration.considered.get(edge, 0))
        return tuple(found)
