"""What became of mutants, and the score of the tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from selinon_core.mutating.mutant import Mutant

if TYPE_CHECKING:
    from selinon_core.cases.model import Case

#: Killed: a case failed. Timeout: a case did not come to its end, which counts as killed. Survived: no case
#: failed. No coverage: no case comes to what was changed. Equivalent: no run can distinguish the mutant from the
#: original. Ignored: a comment in the file says that it may live, or no case of this project could notice it.
STATUSES = ("killed", "timeout", "survived", "no-coverage", "equivalent", "ignored")


class MissingCase(NamedTuple):
    """How a mutant differs from the original: ``text`` in a sentence, ``case`` as a case that would notice."""

    text: str
    case: Case


class Verdict(NamedTuple):
    """What became of a mutant.

    ``killed_by`` is the id of the case that failed, ``message`` its first finding. ``runs`` is how many case runs
    it took. ``reason`` is that of an ignore comment, or why equivalence could not be decided. ``missing`` is the
    missing test of a survivor, if one was found.
    """

    mutant: Mutant
    status: str
    killed_by: str | None = None
    message: str = ""
    runs: int = 0
    reason: str = ""
    missing: MissingCase | None = None


class Score(NamedTuple):
    """Numbers of mutants by what became of them."""

    counts: dict[str, int]

    @property
    def killed(self) -> int:
        """How many the tests noticed."""
        return self.counts["killed"] + self.counts["timeout"]

    @property
    def counted(self) -> int:
        """How many the tests could have noticed."""
        return self.killed + self.counts["survived"] + self.counts["no-coverage"]

    @property
    def percent(self) -> float | None:
        """The share of those noticed; None where there was none to notice."""
        return 100.0 * self.killed / self.counted if self.counted else None


def score(verdicts: Iterable[Verdict]) -> Score:
    """Count verdicts."""
    counts = dict.fromkeys(STATUSES, 0)
    for verdict in verdicts:
        counts[verdict.status] += 1
    return Score(counts)
