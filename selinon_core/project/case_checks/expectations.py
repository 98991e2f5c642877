"""Expectations that cannot hold together, or that no run can meet (SEL802)."""

from __future__ import annotations

from typing import Any

from selinon_core.cases.matchers import Equal
from selinon_core.cases.model import Expect, Expected
from selinon_core.config.case_reader import CaseRead
from selinon_core.config.schema.case_expect import BY_NODE
from selinon_core.diagnostics import Related, kinds
from selinon_core.diagnostics.kinds import Collector, shorten
from selinon_core.diagnostics.location import FixedLocation, Place, Span
from selinon_core.diagnostics.wording import suggestion
from selinon_core.plan import Plan

#: How a node run may stand at the end.
STATUSES = ("success", "failure", "active", "reused")


def check_expectations(read: CaseRead, plan: Plan, collector: Collector) -> None:
    """Report what contradicts itself in the expectations of a case."""
    expect = read.case.expect
    _ran_and_not(read, expect, collector)
    _unreached(read, expect, collector)
    _counts(expect, collector)
    _statuses(expect, collector)
    if expect.reason is not None and expect.status.value == "success":
        _report(
            collector,
            expect.reason.place,
            "reason",
            "a flow run that succeeds has no reason",
            "of a failure",
            expect.status,
            help="expect status: failure too",
        )


def _ran_and_not(read: CaseRead, expect: Expect, collector: Collector) -> None:
    """Nodes that are not to run, and of which something is expected that needs a run."""
    absent = dict.fromkeys(_names(expect.not_ran), "not_ran")
    if expect.runs is not None:
        absent.update({name: "runs" for name, count in expect.runs.value.items() if count == 0})
    used: list[tuple[str, str]] = [("ran", name) for name in _names(expect.ran)]
    used += [("order", name) for chain in _names(expect.order) for name in chain]
    used += [(key, name) for key in BY_NODE for name in getattr(expect, key)]
    complete = expect.runs.value if expect.runs is not None else None
    for key, name in used:
        plain = name.partition("#")[0]
        if plain in absent:
            says = "not_ran" if absent[plain] == "not_ran" else "runs: 0"
        elif complete is not None and key != "ran" and not any(_is_same(plain, other) for other in complete):
            says = "runs, which is complete,"
        else:
            continue
        location = _location(read, key, name)
        collector.add(
            kinds.CASE_CONTRADICTION,
            location,
            f'"{shorten(name)}" is expected under {key}, but {says} says that it does not run',
            note="both cannot hold",
        )


def _unreached(read: CaseRead, expect: Expect, collector: Collector) -> None:
    """Single runs of nodes that are to have none."""
    for name in _names(expect.unreached):
        plain, numbered, _ = name.partition("#")
        if numbered:
            collector.add(
                kinds.CASE_CONTRADICTION,
                _location(read, "unreached", name),
                f'"{shorten(name)}" is one run of a node, and an unreached node has none',
                note="the node as a whole is unreached",
                help=f'give "{shorten(plain)}"',
            )


def _counts(expect: Expect, collector: Collector) -> None:
    for key in BY_NODE:
        for name, expected in getattr(expect, key).items():
            count = None if expect.runs is None else expect.runs.value.get(name)
            values = expected.value if isinstance(expected.value, tuple) else ()
            if values and count and len(values) != count:
                _report(
                    collector,
                    expected.place,
                    name,
                    f'{key} of "{shorten(name)}" has {len(values)} values, but runs says {count}',
                    "a list has one value for each run",
                    expect.runs,
                    help="put a result that is a list into a list of its own: [[...]]",
                )
    for text, expected in expect.edges.items():
        counts = expected.value
        if counts.get("fired", 0) > counts.get("considered", counts.get("fired", 0)):
            _report(
                collector,
                expected.place,
                text,
                "an edge cannot fire more often than it is considered",
                f"fired {counts['fired']} of {counts['considered']} times",
            )


def _statuses(expect: Expect, collector: Collector) -> None:
    for name, expected in expect.statuses.items():
        matchers = expected.value if isinstance(expected.value, tuple) else (expected.value,)
        for matcher in matchers:
            if isinstance(matcher, Equal) and matcher.value not in STATUSES:
                _report(
                    collector,
                    expected.place,
                    name,
                    f'"{shorten(str(matcher.value))}" is not a status of a node run',
                    "statuses: " + ", ".join(STATUSES),
                    help=suggestion(str(matcher.value), STATUSES),
                )


def _names(expected: Expected | None) -> tuple[Any, ...]:
    return () if expected is None else expected.value


def _is_same(name: str, other: str) -> bool:
    return name == other.partition("#")[0] or name.endswith("/" + other) or other.endswith("/" + name)


def _location(read: CaseRead, key: str, name: str) -> Any:
    for use in read.uses:
        if use.key == key and use.text == name:
            return use.location
    return read.name.location


def _report(
    collector: Collector,
    place: Place | None,
    text: str,
    message: str,
    note: str,
    other: Expected | None = None,
    help: str = "",
) -> None:
    related: tuple[Related, ...] = ()
    if other is not None and other.place is not None:
        related = (Related(_span(other.place, 1), "expected here"),)
    span = _span(place, len(text)) if place is not None else None
    if span is not None:
        collector.add(kinds.CASE_CONTRADICTION, FixedLocation(span), message, note, help, related)


def _span(place: Place, length: int) -> Span:
    return Span(place.file, place.line, place.column, place.line, place.column + length)
