"""What became of flow test cases: findings with their reasons, results of cases, results of case files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from selinon_core.explaining.reason import Reason

Json = Any

#: What a case may come to, in the order of summaries.
STATUSES = ("passed", "failed", "error", "stale", "skipped", "xfailed")
#: Those that make a run of tests fail.
NOT_FINE = ("failed", "error", "stale")


class Finding(NamedTuple):
    """One expectation that does not hold.

    ``expectation`` is its key in the case file (``not_ran``) or ``invariant``, ``error``, ... ``wanted`` goes on
    after "expected", ``found`` after "but". ``where`` is where the expectation is written, ``expected`` and
    ``actual`` are the same as JSON values, ``reasons`` explain what was found.
    """

    expectation: str
    wanted: str
    found: str
    where: str | None = None
    expected: Json = None
    actual: Json = None
    reasons: tuple[Reason, ...] = ()

    @property
    def message(self) -> str:
        """Both halves as one sentence."""
        return f"expected {self.wanted}, but {self.found}" if self.wanted else self.found

    def to_json(self) -> Json:
        """As a JSON object of the report."""
        return {
            "expectation": self.expectation,
            "message": self.message,
            "wanted": self.wanted,
            "found": self.found,
            "where": self.where,
            "expected": self.expected,
            "actual": self.actual,
            "explain": [reason.to_json() for reason in self.reasons],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Finding:
        """The inverse of ``to_json``."""
        return cls(
            value["expectation"],
            value["wanted"],
            value["found"],
            value["where"],
            value["expected"],
            value["actual"],
            tuple(Reason.from_json(each) for each in value["explain"]),
        )


class CaseResult(NamedTuple):
    """What became of a case.

    ``number`` is its number in its file from 0. ``seed`` is that of the first run that failed, else of the first
    run; ``runs`` says how many runs there were, ``failed_runs`` how many of them failed. ``reason`` is that of a
    skipped, an expected-to-fail or a stale case. ``output`` is what tasks printed, kept where the case is not
    fine. ``report`` is the run report of the run that failed, kept on demand only.
    """

    number: int
    status: str
    seed: int = 0
    runs: int = 0
    failed_runs: int = 0
    seconds: float = 0.0
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    output: str = ""
    report: Json = None

    @property
    def is_fine(self) -> bool:
        """Whether the case does not make the run of tests fail."""
        return self.status not in NOT_FINE

    def to_json(self) -> Json:
        """As a JSON object, which ``from_json`` turns back."""
        return {**self._asdict(), "findings": [finding.to_json() for finding in self.findings]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> CaseResult:
        """The inverse of ``to_json``."""
        findings = tuple(Finding.from_json(each) for each in value["findings"])
        return cls(**{**value, "findings": findings})


class Note(NamedTuple):
    """What should be seen to although no case fails: an unused mock, an obsolete snapshot.

    ``kind`` is ``unused-mock``, ``vacuous-invariant``, ``obsolete-snapshot``, ``unchecked-mock``,
    ``stale-deviation`` or ``snapshot-written``.
    """

    kind: str
    text: str
    where: str | None = None

    def is_error(self, *, ci: bool) -> bool:
        """Whether the cases do not mean what they say: a mock that no run uses is a mistake or a changed flow.

        An obsolete snapshot, and a schedule that meets nothing, are errors where nothing may be written (``ci``).
        """
        return self.kind == "unused-mock" or (ci and self.kind in ("obsolete-snapshot", "stale-deviation"))


class FileResult(NamedTuple):
    """What became of the cases of one file that were run, in the order of the file, and what is to be noted.

    ``collected`` is what a plug-in of the run gathered over the cases, as a JSON value (covered goals).
    """

    file: str
    cases: tuple[CaseResult, ...]
    notes: tuple[Note, ...] = ()
    collected: Json = None

    def to_json(self) -> Json:
        """As a JSON object, which ``from_json`` turns back."""
        return {
            "file": self.file,
            "cases": [case.to_json() for case in self.cases],
            "notes": [list(note) for note in self.notes],
            "collected": self.collected,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> FileResult:
        """The inverse of ``to_json``."""
        return cls(
            value["file"],
            tuple(CaseResult.from_json(case) for case in value["cases"]),
            tuple(Note(*note) for note in value["notes"]),
            value["collected"],
        )


def counts(results: Iterable[CaseResult]) -> dict[str, int]:
    """How many cases came to what; every status has its number."""
    found = dict.fromkeys(STATUSES, 0)
    for result in results:
        found[result.status] += 1
    return found
