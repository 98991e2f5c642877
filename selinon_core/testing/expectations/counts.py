"""``runs``, ``ran`` and ``not_ran``: which nodes ran, and how often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from selinon_core.cases.model import Expected
from selinon_core.explaining.explanation import Explanation
from selinon_core.explaining.reason import Reason
from selinon_core.explaining.words import times
from selinon_core.runtime.trace.run_records import NodeRecord
from selinon_core.testing.observation import Observation
from selinon_core.testing.results import Finding


def runs(expected: Expected, seen: Observation, why: Explanation) -> Iterator[Finding]:
    """The numbers of runs, complete: what no reference names must not have run."""
    named: set[Any] = set()
    for reference, wanted in expected.value.items():
        found = seen.members(reference)
        named.update(record.run for record in found)
        if len(found) != wanted:
            yield _miscounted("runs", reference, wanted, seen.runs_of(reference), expected, why)
    if all(record.run in named for record in seen.run.records):
        return
    others: dict[str, list[NodeRecord]] = {}
    for record in seen.lineage.ordered:
        if record.run not in named:
            others.setdefault(_reference(seen, record), []).append(record)
    for reference, found in others.items():
        yield Finding(
            "runs",
            f"{reference} not to run, which runs does not list",
            _ran(reference, found, why),
            _where(expected),
            {reference: 0},
            {reference: len(found)},
            _of(found, why),
        )


def ran(expected: Expected, seen: Observation, why: Explanation) -> Iterator[Finding]:
    """Nodes that have to run at least once, or as often as a mapping says."""
    exact = expected.value if isinstance(expected.value, Mapping) else {}
    for reference in expected.value:
        if reference in exact:
            if len(seen.members(reference)) != exact[reference]:
                yield _miscounted("ran", reference, exact[reference], seen.runs_of(reference), expected, why)
        elif not seen.members(reference):
            yield Finding(
                "ran",
                f"{reference} to run",
                "it did not run",
                _where(expected),
                reference,
                0,
                why.not_ran(reference),
            )


def not_ran(expected: Expected, seen: Observation, why: Explanation) -> Iterator[Finding]:
    """Nodes that must not run."""
    for reference in expected.value:
        if seen.members(reference):
            found = seen.runs_of(reference)
            text = _ran(reference, found, why)
            where = _where(expected)
            yield Finding(
                "not_ran", f"{reference} not to run", text, where, reference, len(found), _of(found, why)
            )


def _miscounted(
    key: str, reference: str, wanted: int, found: list[NodeRecord] | Any, expected: Expected, why: Explanation
) -> Finding:
    if not found:
        text, reasons = "it did not run", why.not_ran(reference)
    else:
        text, reasons = _ran(reference, found, why), _of(found, why)
    how_often = "not to run" if wanted == 0 else f"to run {times(wanted)}"
    return Finding(
        key,
        f"{reference} {how_often}",
        text,
        _where(expected),
        {reference: wanted},
        {reference: len(found)},
        reasons,
    )


def _ran(reference: str, found: list[NodeRecord] | Any, why: Explanation) -> str:
    """How often it ran, and with what started its first run where all were started alike."""
    text = f"{reference} ran {times(len(found))}"
    first = why.ran(found[0])
    if all(why.ran(record)[:3] == first[:3] for record in found[1:]):
        text += f": {first.text}" + (f" ({first.where})" if first.where else "")
    return text


def _of(found: list[NodeRecord] | Any, why: Explanation) -> tuple[Reason, ...]:
    reasons = [why.ran(record) for record in found[:5]]
    if all(reason[:3] == reasons[0][:3] for reason in reasons):
        return tuple(dict.fromkeys(inner for reason in reasons for inner in reason.of))
    return tuple(dict.fromkeys(reasons))


def _reference(seen: Observation, record: NodeRecord) -> str:
    return seen.label(record).partition("#")[0]


def _where(expected: Expected) -> str | None:
    return None if expected.place is None else str(expected.place)
