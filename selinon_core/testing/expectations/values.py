"""What single node runs have to have: ``args``, ``parents``, ``results``, ``errors``, ``statuses``, ..."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from selinon_core.cases.matchers import written
from selinon_core.cases.model import Expect, Expected
from selinon_core.explaining.explanation import Explanation
from selinon_core.explaining.reason import Reason
from selinon_core.explaining.words import shortest, shown
from selinon_core.runtime.json_values import copy_json
from selinon_core.runtime.trace.run_records import NodeRecord
from selinon_core.testing.difference import difference
from selinon_core.testing.observation import Observation
from selinon_core.testing.results import Finding

_Value = Callable[[Observation, NodeRecord], Any]


def _seconds(seen: Observation, record: NodeRecord) -> Any:
    return None if record.started_at is None else shortest(round(record.started_at, 6))


#: What a sentence says of a value: ``they were``, ``it was``.
_PLURAL = ("args", "parents", "attempts")
#: The expectation, what it is called in a sentence, and how a run has it.
_VALUES: tuple[tuple[str, str, _Value], ...] = (
    ("args", "the arguments of", lambda seen, record: copy_json(record.run.args)),
    ("parents", "the parents of", lambda seen, record: seen.parents(record)),
    ("results", "the result of", lambda seen, record: seen.result(record)),
    ("outputs", "the output of", lambda seen, record: seen.output(record)),
    ("errors", "the error of", lambda seen, record: seen.error(record)),
    ("statuses", "the status of", lambda seen, record: record.run.status),
    ("attempts", "the attempts of", lambda seen, record: record.attempts),
    ("started_at", "the start in seconds of", _seconds),
)


def values(expect: Expect, seen: Observation, why: Explanation) -> Iterator[Finding]:
    """Values that single node runs, or all runs of a node, have to have."""
    for key, words, value_of in _VALUES:
        expected: Mapping[str, Expected] = getattr(expect, key)
        for reference, wanted in expected.items():
            yield from _compare(key, f"{words} {reference}", reference, wanted, value_of, seen, why)


def _compare(
    key: str, words: str, reference: str, wanted: Expected, value_of: _Value, seen: Observation, why: Explanation
) -> Iterator[Finding]:
    where = None if wanted.place is None else str(wanted.place)
    found = seen.runs_of(reference)
    actual = [value_of(seen, record) for record in found]
    if not found:
        expected = _data(wanted.value)
        # An empty list says that there is no run.
        if expected != []:
            text = f"{words} to be {_text(wanted.value)}"
            yield Finding(key, text, "it did not run", where, expected, actual, why.not_ran(reference))
        return
    if type(wanted.value) is tuple:
        if len(wanted.value) != len(found):
            text = f"{words} in {len(wanted.value)} runs"
            ran = (
                f"there are {len(found)}: {shown(actual)}" if len(found) > 1 else f"there is one: {shown(actual)}"
            )
            yield Finding(key, text, ran, where, _data(wanted.value), actual, _started(found, why))
            return
        matchers = wanted.value
    else:
        matchers = (wanted.value,) * len(found)
    for matcher, record, value in zip(matchers, found, actual, strict=True):
        if not matcher.matches(value):
            label = words if len(found) == 1 else f"{words.partition(' of ')[0]} of {seen.label(record)}"
            data = written(matcher)
            text = f"{label} to be {matcher}"
            was = f"{'they were' if key in _PLURAL else 'it was'} {shown(value)}{difference(matcher, value)}"
            if key == "errors" and value is None:
                was = "there was none"
            yield Finding(key, text, was, where, data, value, _reasons(key, record, why))


def _reasons(key: str, record: NodeRecord, why: Explanation) -> tuple[Reason, ...]:
    if key == "attempts":
        return why.attempts(record)
    if record.run.status == "failure" and key in ("results", "outputs", "statuses", "errors"):
        return (why.failed(record),)
    if key == "started_at":
        return why.began(record)
    return (why.ran(record),) if key in ("args", "parents") else ()


def _started(found: Any, why: Explanation) -> tuple[Reason, ...]:
    return tuple(dict.fromkeys(why.ran(record) for record in found[:5]))


def _data(value: Any) -> Any:
    return [written(matcher) for matcher in value] if type(value) is tuple else written(value)


def _text(value: Any) -> str:
    return shown(_data(value)) if type(value) is tuple else str(value)
