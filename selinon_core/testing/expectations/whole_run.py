"""What holds for a run: ``status``, ``reason``, ``output``, ``warnings``, ``stored`` and ``virtual_seconds``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from selinon_core.cases.matchers import written
from selinon_core.cases.model import Expect, Expected
from selinon_core.errors import UnknownStorageError
from selinon_core.explaining.explanation import Explanation
from selinon_core.explaining.reason import Reason
from selinon_core.explaining.words import shown
from selinon_core.runtime.trace.tracer import jsonable
from selinon_core.testing.difference import difference
from selinon_core.testing.observation import Observation
from selinon_core.testing.results import Finding


def status(expected: Expected, seen: Observation, why: Explanation) -> Iterator[Finding]:
    """How the flow ended."""
    if seen.run.status != expected.value:
        reason = f": {seen.run.error}" if seen.run.error else ""
        default = " (the default of a case)" if expected.place is None else ""
        wanted = f"the flow to end with {expected.value}{default}"
        found = f"it ended with {seen.run.status}{reason}"
        where = _where(expected)
        yield Finding("status", wanted, found, where, expected.value, seen.run.status, why.flow_failed())


def reason(expected: Expected, seen: Observation, why: Explanation) -> Iterator[Finding]:
    """Why the flow failed."""
    found = seen.run.error
    if not expected.value.matches(found):
        text = "the flow gave none" if found is None else f"it was {shown(found)}"
        wanted = f"the reason of the failure to match {expected.value}"
        data = written(expected.value)
        yield Finding("reason", wanted, text, _where(expected), data, found, why.flow_failed())


def output(expected: Expected, seen: Observation, why: Explanation) -> Iterator[Finding]:
    """The output of the flow."""
    has_output, found = "output" in seen.run.result, seen.run.output
    if has_output and expected.value.matches(found):
        return
    text = f"it was {shown(found)}{difference(expected.value, found)}" if has_output else "there is none"
    wanted = f"the output of the flow to be {expected.value}"
    reasons = () if has_output else why.flow_failed()
    yield Finding("output", wanted, text, _where(expected), written(expected.value), found, reasons)


def warnings(expected: Expected, seen: Observation) -> Iterator[Finding]:
    """The warnings of the run, complete: each matches a matcher, each matcher has a warning."""
    found = seen.run.warnings
    for matcher in expected.value:
        if not any(matcher.matches(text) for text in found):
            told = f"there are {shown(found)}" if found else "there is none"
            yield Finding(
                "warnings", f"a warning like {matcher}", told, _where(expected), written(matcher), list(found)
            )
    for text in found:
        if not any(matcher.matches(text) for matcher in expected.value):
            wanted, data = "no other warning", [written(matcher) for matcher in expected.value]
            yield Finding("warnings", wanted, f"there is {shown(text)}", _where(expected), data, list(found))


def virtual_seconds(expected: Expected, seen: Observation) -> Iterator[Finding]:
    """How long the run took on its own clock."""
    found = round(seen.run.virtual_seconds, 6)
    wanted = expected.value
    if isinstance(wanted, Mapping):
        fits, text = found <= wanted["at_most"], f"at most {wanted['at_most']:g} virtual seconds"
    else:
        fits, text = abs(found - wanted) < 1e-6, f"{wanted:g} virtual seconds"
    if not fits:
        latest = max(seen.lineage.ordered, key=lambda record: record.finished_at or 0.0, default=None)
        reasons: tuple[Reason, ...] = ()
        if latest is not None and latest.finished_at is not None:
            attempts = f" after {latest.attempts} attempts" if latest.attempts > 1 else ""
            last = f"{seen.label(latest)} ended last, at {latest.finished_at:g}{attempts}"
            reasons = (Reason("ended-last", last),)
        where = _where(expected)
        yield Finding("virtual_seconds", text, f"the run took {found:g}", where, wanted, found, reasons)


def stored(expect: Expect, seen: Observation) -> Iterator[Finding]:
    """What the mocked storages keep: a number of results, or the results of tasks in canonical order."""
    for storage, expected in expect.stored.items():
        where = _where(expected)
        try:
            kept = seen.run.stored(storage)
        except UnknownStorageError as error:
            yield Finding("stored", f"results in storage {storage}", str(error), where)
            continue
        if not isinstance(expected.value, Mapping):
            if len(kept) != expected.value:
                wanted = f"storage {storage} to keep {_results(expected.value)}"
                found = f"it keeps {_results(len(kept))}{_by_task(kept)}"
                yield Finding("stored", wanted, found, where, expected.value, len(kept))
            continue
        for task, matchers in expected.value.items():
            results = _kept_of(task, kept, seen)
            yield from _compare_kept(storage, task, matchers, results, where)


def _by_task(kept: Mapping[tuple[str, str, str], Any]) -> str:
    """How many results of each task there are, as `` (Charge, 3 x ReserveItem)``."""
    counts = Counter(task for _, task, _ in kept)
    listed = ", ".join(task if count == 1 else f"{count} x {task}" for task, count in counts.items())
    return f" ({listed})" if listed else ""


def _kept_of(task: str, kept: Mapping[tuple[str, str, str], Any], seen: Observation) -> list[Any]:
    by_id = {id: value for (_, _, id), value in kept.items()}
    return [
        jsonable(by_id[record.run.id])
        for record in seen.lineage.ordered
        if record.run.name == task and record.run.id in by_id
    ]


def _compare_kept(
    storage: str, task: str, matchers: Any, results: list[Any], where: str | None
) -> Iterator[Finding]:
    each = type(matchers) is tuple
    data = [written(matcher) for matcher in matchers] if each else written(matchers)
    wanted = f"storage {storage} to keep of {task} {shown(data)}"
    found = f"it keeps {shown(results)}" if results else "it keeps nothing of it"
    if each:
        fits = len(matchers) == len(results) and all(
            matcher.matches(result) for matcher, result in zip(matchers, results, strict=True)
        )
    else:
        fits = bool(results) and all(matchers.matches(result) for result in results)
    if not fits:
        yield Finding("stored", wanted, found, where, {task: data}, {task: results})


def _results(number: int) -> str:
    return "1 result" if number == 1 else f"{number} results"


def _where(expected: Expected) -> str | None:
    return None if expected.place is None else str(expected.place)
