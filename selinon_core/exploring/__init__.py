"""What can happen in a flow: the dispatch machine played through every choice that the world has."""

from selinon_core.exploring.check import Checker, FlowCheck, Reached
from selinon_core.exploring.comparison import Comparison, Difference, compare
from selinon_core.exploring.exploration import Exploration, OutcomeKey
from selinon_core.exploring.failure_table import outcome_title, rows_worth_showing
from selinon_core.exploring.goals import Goal
from selinon_core.exploring.limits import Limits
from selinon_core.exploring.model import ProjectModel
from selinon_core.exploring.observation import Context, Observation
from selinon_core.exploring.properties import FailureRow, Property
from selinon_core.exploring.summaries import Summaries
from selinon_core.exploring.witness import Witness, witness_of

__all__ = [
    "Checker",
    "Comparison",
    "Context",
    "Difference",
    "Exploration",
    "FailureRow",
    "FlowCheck",
    "Goal",
    "Limits",
    "Observation",
    "OutcomeKey",
    "ProjectModel",
    "Property",
    "Reached",
    "Summaries",
    "Witness",
    "compare",
    "outcome_title",
    "rows_worth_showing",
    "witness_of",
]
