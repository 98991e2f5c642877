"""Coverage of flows: what a flow can do that a test should have seen, and what runs have done of it."""

from __future__ import annotations

from selinon_core.covering.collector import collect
from selinon_core.covering.data import CoverageData
from selinon_core.covering.goals import KINDS, Goal, goals_of
from selinon_core.covering.report import CoverageReport, FlowCoverage, GoalCoverage, judge

__all__ = [
    "KINDS",
    "CoverageData",
    "CoverageReport",
    "FlowCoverage",
    "Goal",
    "GoalCoverage",
    "collect",
    "goals_of",
    "judge",
]
