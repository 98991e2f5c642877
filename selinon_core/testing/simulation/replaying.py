"""The schedule of a case, played and told."""

from __future__ import annotations

from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

from selinon_core.cases.model import Case
from selinon_core.simulating.campaign import ScheduleResult, SimulationOptions, Subject, replay
from selinon_core.testing.effects import noted_effects
from selinon_core.testing.invariants import Load
from selinon_core.testing.scheduled import fixed_durations
from selinon_core.testing.simulation.watching import Watch


def replayed(case: Case, subject: Subject, load: Load) -> ScheduleResult:
    """Play the schedule of a case, and judge its invariants too; what its tasks print is lost."""
    options = SimulationOptions(durations=fixed_durations(case))
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()), noted_effects() as effects:
        watch = Watch(subject.plan, case.invariants, load, effects)
        return replay(subject, case.schedule, options, watch.judge, watch.new_store)
