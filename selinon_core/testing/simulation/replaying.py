"""The schedule of a case or of a violation, played, with its transcript."""

from __future__ import annotations

from selinon_core.cases.model import Case
from selinon_core.simulating.campaign import ScheduleResult, SimulationOptions, Subject, Violation, replay
from selinon_core.testing.captured import CapturedOutput
from selinon_core.testing.effects import EffectNotes
from selinon_core.testing.invariants import Load
from selinon_core.testing.scheduled import fixed_durations
from selinon_core.testing.simulation.campaign import Campaign
from selinon_core.testing.simulation.watching import Watch


def replayed(case: Case, subject: Subject, load: Load) -> ScheduleResult:
    """Play the schedule of a case, and judge its invariants too; what its tasks print is lost."""
    return _replayed(case, subject, load, SimulationOptions(durations=fixed_durations(case)))


def told_of(campaign: Campaign, violation: Violation, options: SimulationOptions) -> tuple[str, ...]:
    """All that happens in the schedule of a violation, line by line."""
    case = campaign.case._replace(schedule=violation.deviations)
    return _replayed(case, campaign.subject, campaign.load, options).transcript


def _replayed(case: Case, subject: Subject, load: Load, options: SimulationOptions) -> ScheduleResult:
    with CapturedOutput(), EffectNotes() as effects:
        watch = Watch(subject.plan, case.invariants, load, effects)
        return replay(subject, case.schedule, options, watch.judge, watch.new_store)
