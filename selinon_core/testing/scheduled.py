"""Cases in the simulated world of the production driver: one schedule of their own, or many in a campaign."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from selinon_core.cases.model import Case, Deviation
from selinon_core.local import LocalRun
from selinon_core.testing.results import Finding

if TYPE_CHECKING:
    from selinon_core.simulating.campaign import Duration, Subject
    from selinon_core.simulating.results import Found

#: Built-in invariants that a case has to ask for or words otherwise: the key, and what is expected.
_ASKED = {
    "ends once": ("ends", "the flow run to end once"),
    "same as undisturbed": ("same_as", "node runs and outcome to be as undisturbed"),
}


class PlayedCase(NamedTuple):
    """A schedule that was played: what it breaks, and which of its ``given`` deviations met nothing."""

    run: LocalRun
    findings: list[Finding]
    stale: tuple[Deviation, ...]
    given: int

    @property
    def stale_text(self) -> str:
        """How many deviations met nothing; empty where each met its subject."""
        if not self.stale:
            return ""
        return f"stale: {len(self.stale)} of {self.given} deviation{'s' * (self.given != 1)} met nothing"


def is_scheduled(case: Case) -> bool:
    """Whether a case is played as one schedule: with deviations, or to be looked at as one without."""
    return bool(case.schedule) or case.expect.ends is not None or case.expect.same_as is not None


def fixed_durations(case: Case) -> dict[str, Duration]:
    """The durations of a case as those of a simulation, in which each attempt may deviate from them."""
    from selinon_core.simulating.campaign import Duration

    return {task: Duration("fixed", (seconds,)) for task, seconds in case.durations.items()}


def play_case(case: Case, subject: Subject, begin: Callable[[], None]) -> PlayedCase:
    """Play the schedule of a case; ``begin`` is called before each run: the undisturbed ones, and then that one.

    Raises what ``simulating.campaign.replay`` raises.
    """
    from selinon_core.celery.stores.memory import MemoryStore
    from selinon_core.simulating.campaign import SimulationOptions, replay

    def new_store() -> MemoryStore:
        begin()
        return MemoryStore()

    options = SimulationOptions(durations=fixed_durations(case))
    result = replay(subject, case.schedule, options, store=new_store)
    return PlayedCase(result.run, list(_findings(case, result.violations)), result.stale, len(case.schedule))


def _findings(case: Case, violations: Iterable[Found]) -> Iterable[Finding]:
    for found in violations:
        key, wanted = _ASKED.get(
            found.invariant, ("invariant", f'what holds for every schedule: "{found.invariant}"')
        )
        if key == "same_as" and case.expect.same_as is None:
            continue
        expected = getattr(case.expect, key, None)
        place = case.place if expected is None else expected.place
        yield Finding(key, wanted, found.text, str(place), None if expected is None else expected.value)
