"""Suggestions with an end: a file of a thousand typing errors must not cost a thousand searches."""

from __future__ import annotations

from collections.abc import Collection

from selinon_core.diagnostics.wording import did_you_mean

#: Comparisons of two names in one run of all rules; some tens of milliseconds.
BUDGET = 20_000


class Suggester:
    """Finds the closest known names, until the budget is used up. The same questions get the same answers."""

    __slots__ = ("_answers", "_left")

    def __init__(self, budget: int = BUDGET) -> None:
        self._left = budget
        self._answers: dict[tuple[str, str], str | None] = {}

    def closest(self, kind: str, name: str, known: Collection[str]) -> str | None:
        """Return the name in ``known`` that is closest to ``name``, None if none is close.

        ``kind`` says what is named; ``known`` is the same for all names of a kind.
        """
        key = (kind, name)
        if key not in self._answers:
            if self._left < len(known):
                return None
            self._left -= len(known)
            self._answers[key] = did_you_mean(name, [other for other in known if other != name])
        return self._answers[key]
