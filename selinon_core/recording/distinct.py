"""Of many recorded runs one for each set of goals that they cover."""

from __future__ import annotations

from collections.abc import Iterable

from selinon_core.covering import CoverageData
from selinon_core.covering.collector import collect
from selinon_core.recording.recorder import Recorded

Goals = frozenset[tuple[str, str]]


def goals_of(recorded: Recorded) -> Goals:
    """The goals that the run of a case covers: (flow, key) each."""
    data = CoverageData()
    collect(recorded.view.facts, recorded.case.id, data)
    return data.covered_by(recorded.case.id)


def distinct(recordings: Iterable[Recorded]) -> list[Recorded]:
    """The recordings without those that cover exactly what a smaller one covers.

    Together they cover what all cover. Their order is kept.
    """
    listed = list(recordings)
    kept: dict[Goals, int] = {}
    for place in sorted(range(len(listed)), key=lambda place: (len(listed[place].view.records), place)):
        kept.setdefault(goals_of(listed[place]), place)
    return [listed[place] for place in sorted(kept.values())]
