"""The types of verdicts: a property that was checked with its answer, and a row of the failure table."""

from __future__ import annotations

from typing import Literal, NamedTuple

from selinon_core.diagnostics.location import Place
from selinon_core.exploring.exploration import Choices
from selinon_core.exploring.goals import Goal

Verdict = Literal["always", "never", "can happen", "not within bounds"]
Severity = Literal["error", "warning", "information"]
PropertyName = Literal[
    "ends", "reachable", "join-starves", "unhandled", "silent-end", "counts", "join-growth", "order", "invariant"
]

#: Every property, and how bad an answer of that name can be.
PROPERTIES: dict[PropertyName, str] = {
    "ends": "Error: a cycle that nothing leaves, but a failure.",
    "reachable": "Error: a node, an edge, a fallback, or the no of a condition, that no run reaches.",
    "join-starves": "Warning: a run succeeds, some sources of a join have finished, and the join waits in vain.",
    "unhandled": "Warning: a node that a failures entry names fails, and no entry handles it.",
    "silent-end": "Warning: a run succeeds, and after a node no edge fired because conditions said no.",
    "counts": "Information: a node can run without limit.",
    "join-growth": "Warning: a join in a cycle is considered for more and more combinations.",
    "order": "Information: the outcome depends on the order of completions.",
    "invariant": "Error: a run breaks an invariant. Warning: no run could break it.",
}


class Property(NamedTuple):
    """One answer. ``subject``: what it is about, in the words of case files; ``text``: the answer as a sentence.

    ``choices``: a run that shows it, ``other_choices`` a second one for comparison. ``goal``: for ``reachable``.
    """

    name: PropertyName
    subject: str
    place: Place
    verdict: Verdict
    severity: Severity
    text: str
    choices: Choices | None = None
    other_choices: Choices | None = None
    goal: Goal | None = None

    @property
    def code(self) -> str:
        """What an ignore comment calls it."""
        return f"check-{self.name}"

    @property
    def id(self) -> str:
        """What tells it from all others of a project."""
        return f"{self.code} {self.place} {self.subject} {self.text}"


class FailureRow(NamedTuple):
    """What a flow does when exactly the nodes ``failing`` have runs that fail.

    ``status`` is how the flow ends, ``reason`` why, ``fallbacks`` the nodes that ran as fallbacks. ``attempts``:
    how many attempts of the flow it took to succeed. A set of nodes has several rows if it depends on something
    else too.
    """

    failing: tuple[str, ...]
    status: str
    reason: str | None
    fallbacks: tuple[str, ...]
    attempts: int
    choices: Choices
