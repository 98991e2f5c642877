"""What can happen in a flow: the dispatch machine played through every choice that the world has."""

from selinon_core.exploring.exploration import Exploration, OutcomeKey
from selinon_core.exploring.goals import Goal
from selinon_core.exploring.limits import Limits
from selinon_core.exploring.model import ProjectModel
from selinon_core.exploring.observation import Context, Observation
from selinon_core.exploring.summaries import Summaries

__all__ = ["Context", "Exploration", "Goal", "Limits", "Observation", "OutcomeKey", "ProjectModel", "Summaries"]
