"""What is wrong with a run of a case: every expectation and invariant that does not hold, with its reasons."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from selinon_core.cases.model import Case
from selinon_core.explaining.explanation import Explanation
from selinon_core.testing.expectations import counts, structure, values, whole_run
from selinon_core.testing.invariants import Load, judge_invariant
from selinon_core.testing.observation import Observation
from selinon_core.testing.results import Finding
from selinon_core.testing.snapshots import Snapshots
from selinon_core.testing.stand_ins import decisions_on_stand_ins


def judge(
    case: Case, seen: Observation, load: Load, snapshots: Snapshots, *, only_first: bool = False
) -> list[Finding]:
    """All findings, those about the whole run first. ``load`` imports the functions of invariants.

    ``only_first``: the first one, without what conditions looked at.
    """
    findings = _findings(case, seen, Explanation(seen, in_short=only_first), load, snapshots)
    return list(islice(findings, 1 if only_first else None))


def _findings(
    case: Case, seen: Observation, why: Explanation, load: Load, snapshots: Snapshots
) -> Iterator[Finding]:
    expect = case.expect
    if case.stand_ins == "fail":
        yield from decisions_on_stand_ins(seen)
    # As without faults: in that run the flow may have failed, and may have left nodes out.
    is_compared = expect.same_as is not None
    if not is_compared or expect.status.place is not None:
        yield from whole_run.status(expect.status, seen, why)
    if expect.reason is not None:
        yield from whole_run.reason(expect.reason, seen, why)
    if expect.output is not None:
        yield from whole_run.output(expect.output, seen, why)
    if expect.runs is not None:
        yield from counts.runs(expect.runs, seen, why)
    if expect.ran is not None:
        yield from counts.ran(expect.ran, seen, why)
    if expect.not_ran is not None:
        yield from counts.not_ran(expect.not_ran, seen, why)
    if expect.order is not None:
        yield from structure.order(expect.order, seen, why)
    yield from values.values(expect, seen, why)
    if expect.edges:
        yield from structure.edges(expect, case.flow, seen, why)
    if expect.fallbacks is not None:
        yield from structure.fallbacks(expect.fallbacks, seen, why)
    if not is_compared or expect.unreached is not None:
        yield from structure.unreached(expect.unreached, seen, why)
    if expect.warnings is not None:
        yield from whole_run.warnings(expect.warnings, seen)
    if expect.stored:
        yield from whole_run.stored(expect, seen)
    if expect.virtual_seconds is not None:
        yield from whole_run.virtual_seconds(expect.virtual_seconds, seen)
    for invariant in case.invariants:
        yield from judge_invariant(invariant, seen, why, load)
    if expect.snapshot is not None and expect.snapshot.value:
        place = expect.snapshot.place
        finding = snapshots.compare(case.title, None if place is None else str(place), seen)
        if finding is not None:
            yield finding
