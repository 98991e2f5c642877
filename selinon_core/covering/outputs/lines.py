"""Goals by line of the YAML files, for the forms that know files and lines only."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from selinon_core.covering.report import COVERED, MISSING, CoverageReport, GoalCoverage


class Line(NamedTuple):
    """A line with goals: ``hits`` is the sum of theirs. ``branches`` are the goals, covered or not, by id."""

    number: int
    hits: int
    branches: tuple[GoalCoverage, ...]

    @property
    def covered(self) -> int:
        """How many of its goals are covered."""
        return sum(1 for goal in self.branches if goal.status == COVERED)

    @property
    def percent(self) -> int:
        """Rounded down: 100 is all of them."""
        return self.covered * 100 // len(self.branches)


def lines_of(report: CoverageReport, locate: Callable[[str], str] = str) -> dict[str, list[Line]]:
    """The lines with goals of each file, in order; ``locate`` makes the name of a file what the reader knows.

    Impossible and ignored goals are not there. Goals of several flows meet on the line of an anchor.
    """
    found: dict[str, dict[int, list[GoalCoverage]]] = {}
    for goal in report.all():
        if goal.status in (COVERED, MISSING):
            place = goal.goal.place
            found.setdefault(locate(place.file), {}).setdefault(place.line, []).append(goal)
    return {
        file: [
            Line(number, sum(goal.hits for goal in goals), tuple(goals)) for number, goals in sorted(lines.items())
        ]
        for file, lines in sorted(found.items())
    }
