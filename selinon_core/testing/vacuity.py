"""Which invariants of a case file no run has put to the test: they hold, and say nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from selinon_core.cases.model import Case, Invariant
from selinon_core.explaining.words import shown
from selinon_core.local import LocalRun
from selinon_core.testing.invariants import is_exercised, what_exercises
from selinon_core.testing.observation import Observation
from selinon_core.testing.results import Note


class InvariantUsage:
    """Gathers over the runs of the cases of one file which invariants could have been broken."""

    def __init__(self) -> None:
        self._exercised: set[int] = set()

    def add(self, case: Case, run: LocalRun) -> None:
        """Look at a run of a case."""
        left = [one for one in case.invariants if id(one) not in self._exercised]
        if left:
            seen = Observation(run.facts.plan, run)
            self._exercised.update(id(one) for one in left if is_exercised(one, seen))

    def unexercised(self, cases: Iterable[Case]) -> Iterator[Note]:
        """A note for each invariant of these cases that no run could have broken."""
        left: dict[int, Invariant] = {}
        for case in cases:
            if case.skip is None:
                left.update((id(one), one) for one in case.invariants if id(one) not in self._exercised)
        for invariant in left.values():
            missing = what_exercises(invariant)
            text = f"no run has put the invariant {shown(invariant.name)} to the test: none has {missing}"
            yield Note("vacuous-invariant", text, None if invariant.place is None else str(invariant.place))
