"""Shrinks schedules that break an invariant: fewer deviations, nearer ones, then the usual durations.

The oracle has three values: a schedule breaks the same invariant about the same subject, breaks nothing, or breaks
something else. Only the first keeps a removal, so a violation does not slip into another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from selinon_core.cases.model import Deviation
from selinon_core.simulating.decisions import Given
from selinon_core.simulating.results import Found, ScheduleResult

if TYPE_CHECKING:
    from selinon_core.simulating.player import Player


class _Verdict(Enum):
    SAME = "the same violation"
    CLEAN = "no violation"
    OTHER = "another violation"


class Shrunk(NamedTuple):
    """The deviations that are left, their schedule, and what differs first from the nearest clean schedule."""

    deviations: tuple[Deviation, ...]
    result: ScheduleResult
    differs: str | None


class _OverBudget(Exception):
    """Enough schedules were played."""


class _Shrinker:
    def __init__(self, player: Player, found: Found, seed: int, budget: int) -> None:
        self._player = player
        self._seed = seed
        self._signature = found[:2]
        self._left = budget
        self._known: dict[tuple[Deviation, ...], _Verdict] = {}
        self.clean: tuple[Deviation, ...] | None = None

    def verdict(self, deviations: Sequence[Deviation]) -> _Verdict:
        """What the schedule with these deviations does."""
        given = tuple(deviations)
        known = self._known.get(given)
        if known is not None:
            return known
        if self._left <= 0:
            raise _OverBudget
        self._left -= 1
        found = self._player.play(Given(given), self._seed).violations
        if any(each[:2] == self._signature for each in found):
            verdict = _Verdict.SAME
        else:
            verdict = _Verdict.OTHER if found else _Verdict.CLEAN
        if verdict is _Verdict.CLEAN and (self.clean is None or len(given) >= len(self.clean)):
            self.clean = given
        self._known[given] = verdict
        return verdict

    def is_same(self, deviations: Sequence[Deviation]) -> bool:
        """Whether they break the same invariant about the same subject."""
        return self.verdict(deviations) is _Verdict.SAME

    def fewer(self, deviations: list[Deviation]) -> list[Deviation]:
        """Delta debugging: leave out larger and then smaller parts, until each one that is left is needed."""
        parts = 2
        while len(deviations) >= 2:
            size = -(-len(deviations) // parts)
            for begin in range(0, len(deviations), size):
                rest = deviations[:begin] + deviations[begin + size :]
                if self.is_same(rest):
                    deviations, parts = rest, max(parts - 1, 2)
                    break
            else:
                if size == 1:
                    break
                parts = min(parts * 2, len(deviations))
        if len(deviations) == 1 and self.is_same([]):
            return []
        return deviations

    def plainer(self, deviations: list[Deviation]) -> list[Deviation]:
        """Earlier occurrences, and whole seconds where any will do."""
        for at in range(len(deviations)):
            for plain in _plainer(deviations[at]):
                changed = [*deviations[:at], plain, *deviations[at + 1 :]]
                if self.is_same(changed):
                    deviations = changed
                    break
        return deviations


def _plainer(deviation: Deviation) -> list[Deviation]:
    found = []
    if deviation.kind in ("crash", "first") and deviation.occurrence > 1:
        found.append(deviation._replace(occurrence=1))
    if deviation.seconds is not None and deviation.seconds != round(deviation.seconds):
        found.append(deviation._replace(seconds=float(round(deviation.seconds) or 1)))
    return found


def shrunk(player: Player, result: ScheduleResult, found: Found, budget: int) -> Shrunk:
    """Shrink a schedule that broke an invariant."""
    shrinker = _Shrinker(player, found, result.seed, budget)
    deviations = list(result.deviations)
    try:
        if deviations and shrinker.is_same(deviations):
            deviations = shrinker.fewer(deviations)
            deviations = shrinker.plainer(deviations)
            deviations = shrinker.fewer(deviations)
    except _OverBudget:
        pass
    last = player.play(Given(deviations), result.seed, [])
    kept = tuple(each for each in deviations if each not in last.stale)
    differs = None
    if shrinker.clean is not None:
        clean = player.play(Given(shrinker.clean), result.seed, [])
        differs = first_difference(list(clean.transcript), list(last.transcript))
    elif kept:
        clean = player.play(Given(), result.seed, [])
        differs = first_difference(list(clean.transcript), list(last.transcript))
    return Shrunk(kept, last, differs)


def first_difference(one: Sequence[str], other: Sequence[str]) -> str | None:
    """The first line of ``other`` that differs from the line of ``one`` at its place, None where all are equal."""
    for at, line in enumerate(other):
        if at >= len(one) or one[at] != line:
            return line
    return f"nothing more after {other[-1]}" if len(one) > len(other) and other else None
