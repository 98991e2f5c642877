"""How much of each flow is covered: the goals of a plan held against what runs have covered."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from selinon_core.covering.data import CoverageData, FlowData, Hits
from selinon_core.covering.elements import elements_of
from selinon_core.covering.goals import MCDC, Goal, goals_of
from selinon_core.covering.mcdc import deciding
from selinon_core.plan import Plan

#: COVERED and MISSING count; the others are listed apart. A goal that was met is COVERED whatever else is said.
COVERED, MISSING, IMPOSSIBLE, IGNORED = "covered", "missing", "impossible", "ignored"


class GoalCoverage(NamedTuple):
    """A goal, how often it was met and by which cases (alphabetical), and what that makes of it.

    ``reason`` says why a goal is impossible or ignored.
    """

    goal: Goal
    status: str
    hits: int = 0
    by: tuple[str, ...] = ()
    reason: str = ""


class FlowCoverage(NamedTuple):
    """The goals of a flow; ``more`` has those that are not counted unless asked for. ``reused``: node -> times."""

    name: str
    goals: tuple[GoalCoverage, ...]
    more: tuple[GoalCoverage, ...] = ()
    reused: Mapping[str, int] = {}

    @property
    def counts(self) -> Counts:
        """Covered goals and goals."""
        return counts_of(self.goals)

    def having(self, status: str) -> tuple[GoalCoverage, ...]:
        """The counted goals of a status."""
        return tuple(goal for goal in self.goals if goal.status == status)


class Counts(NamedTuple):
    """``covered`` of ``goals``; impossible and ignored goals are in neither."""

    covered: int
    goals: int

    @property
    def percent(self) -> float | None:
        """From 0 to 100, rounded down to a tenth: 100 is all of them. None without goals."""
        return None if not self.goals else self.covered * 1000 // self.goals / 10

    def is_below(self, percent: float) -> bool:
        """Whether fewer are covered than a bound in percent; never without goals."""
        return self.covered * 100 < percent * self.goals


def counts_of(goals: Collection[GoalCoverage]) -> Counts:
    """Count goals."""
    covered = sum(1 for goal in goals if goal.status == COVERED)
    return Counts(covered, covered + sum(1 for goal in goals if goal.status == MISSING))


def percent_text(counts: Counts) -> str:
    """``95 %``, ``94.7 %``; ``-`` without goals."""
    percent = counts.percent
    return "-" if percent is None else f"{percent:g} %"


class CoverageReport(NamedTuple):
    """The coverage of flows, in the order of the plan."""

    flows: tuple[FlowCoverage, ...]
    cases: tuple[str, ...] = ()
    without_leaves: int = 0
    without_attempts: int = 0

    @property
    def total(self) -> Counts:
        """Over all flows."""
        every = [flow.counts for flow in self.flows]
        return Counts(sum(each.covered for each in every), sum(each.goals for each in every))

    def all(self) -> tuple[GoalCoverage, ...]:
        """Every counted goal of every flow."""
        return tuple(goal for flow in self.flows for goal in flow.goals)

    def having(self, status: str) -> tuple[GoalCoverage, ...]:
        """The counted goals of a status, of all flows."""
        return tuple(goal for goal in self.all() if goal.status == status)


def judge(
    plan: Plan,
    data: CoverageData,
    *,
    flows: Collection[str] | None = None,
    counted: Collection[str] = (),
    impossible: Mapping[str, str] | None = None,
    ignored: Mapping[str, str] | None = None,
    wanted: Callable[[Goal], bool] | None = None,
) -> CoverageReport:
    """Hold what was covered against the goals of a plan; ``data`` has the indexes of the plan (``data.onto``).

    ``counted``: which of ``MCDC`` and ``FAILURES`` count. ``impossible`` and ``ignored``: goal id -> reason.
    ``wanted`` chooses goals, all by default.
    """
    asked = frozenset(counted)
    apart = (impossible or {}, ignored or {})
    found = []
    for name in plan.flows:
        if flows is None or name in flows:
            part = data.flows.get(name) or FlowData(elements_of(plan.flows[name]))
            goals = [goal for goal in goals_of(plan, name) if wanted is None or wanted(goal)]
            found.append(
                FlowCoverage(
                    name,
                    tuple(_judged(goal, part, *apart) for goal in goals if goal.is_counted(asked)),
                    tuple(_judged(goal, part, *apart) for goal in goals if not goal.is_counted(asked)),
                    _reused(part),
                )
            )
    return CoverageReport(tuple(found), data.cases, data.without_leaves, data.without_attempts)


def _judged(goal: Goal, part: FlowData, impossible: Mapping[str, str], ignored: Mapping[str, str]) -> GoalCoverage:
    by = _hits(goal, part)
    if by:
        return GoalCoverage(goal, COVERED, sum(by.values()), tuple(sorted(by)))
    why = goal.impossible or impossible.get(goal.id)
    if why is not None:
        return GoalCoverage(goal, IMPOSSIBLE, reason=why)
    if goal.id in ignored:
        return GoalCoverage(goal, IGNORED, reason=ignored[goal.id])
    return GoalCoverage(goal, MISSING)


def _hits(goal: Goal, part: FlowData) -> Hits:
    if goal.kind == "atom-decides":
        assert goal.atom is not None
        return deciding(part.vectors.get(goal.element, {}), goal.atom)
    return part.hits.get(goal.key, {})


def _reused(part: FlowData) -> dict[str, int]:
    return {
        key.removeprefix("node:").removesuffix("/reused"): sum(by.values())
        for key, by in part.hits.items()
        if key.endswith("/reused")
    }


__all__ = [
    "COVERED",
    "IGNORED",
    "IMPOSSIBLE",
    "MCDC",
    "MISSING",
    "CoverageReport",
    "FlowCoverage",
    "GoalCoverage",
    "counts_of",
    "judge",
    "percent_text",
]
