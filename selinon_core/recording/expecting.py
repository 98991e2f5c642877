"""What a recorded case expects of its run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from selinon_core.cases.matchers import Anything, Containing, Equal, Matcher
from selinon_core.cases.model import Expect, Expected
from selinon_core.dispatch.node_run import CANCELLED, TIMED_OUT
from selinon_core.explaining.run_view import RunView
from selinon_core.recording.rows import Row
from selinon_core.recording.unknown import UNKNOWN

#: ``--expect``: each has what those before it have.
AMOUNTS = ("runs", "results", "full")


def expect_of(view: RunView, rows: Sequence[Row], amount: str, *, is_whole: bool = True) -> Expect:
    """The expectations that a run meets.

    ``amount`` is one of ``AMOUNTS``. Not ``is_whole``: only that nodes ran is expected, others may run too.
    """
    outcome = view.root.outcome
    status = "success" if outcome is not None and outcome.succeeded else "failure"
    counts = _counts(view, rows)
    unreached = tuple(view.facts.unreached())
    expect = Expect(
        status=Expected(status),
        reason=_reason(view),
        runs=Expected(counts) if is_whole else None,
        ran=None if is_whole else Expected(tuple(counts)),
        unreached=Expected(unreached) if unreached else None,
    )
    if not is_whole:
        return expect
    expect = expect._replace(fallbacks=_fallbacks(view), errors=_values(rows, _error))
    if amount in ("results", "full"):
        expect = expect._replace(
            results=_values(rows, lambda row: row.result if row.kind == "task" else None),
            outputs=_values(rows, lambda row: row.output if row.kind == "flow" else None),
        )
        if outcome is not None and outcome.has_output and view.root.flow.output is not None:
            expect = expect._replace(output=Expected(Equal(outcome.output)))
    if amount == "full":
        expect = expect._replace(
            args=_values(rows, lambda row: row.args),
            parents=_values(rows, lambda row: row.parents, usual={}),
            statuses=_values(rows, lambda row: row.status, usual="success"),
            attempts=_values([row for row in rows if row.kind == "task"], lambda row: row.attempts, usual=1),
        )
    return expect


def _counts(view: RunView, rows: Sequence[Row]) -> dict[str, int]:
    """How often each node ran, complete; the runs in a flow that is nested in itself are counted together."""
    counts = dict(Counter(row.reference for row in rows))
    own = f"{view.root.flow.name}/"
    for reference in [reference for reference in counts if reference.startswith(own)]:
        counts[reference] += counts.get(reference.removeprefix(own), 0)
    return counts


def _reason(view: RunView) -> Expected | None:
    """Why a run was ended from outside; other reasons may name ids."""
    outcome = view.root.outcome
    if outcome is None or outcome.reason not in (CANCELLED, TIMED_OUT):
        return None
    return Expected(Containing(outcome.reason))


def _fallbacks(view: RunView) -> Expected | None:
    used = {
        (fact.failure.nodes, fact.failure.fallback or True): None for fact in view.facts.fallbacks if fact.used
    }
    return Expected(tuple(used)) if used else None


def _error(row: Row) -> Any:
    return row.error


def _values(rows: Sequence[Row], value_of: Callable[[Row], Any], usual: Any = None) -> Mapping[str, Expected]:
    """By reference: what each run has, one matcher where all have the same; nothing for what all have as usual."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.reference, []).append(value_of(row))
    expected = {}
    for reference, values in found.items():
        if all(value is UNKNOWN or value == usual for value in values):
            continue
        if any(_is_nested(reference, other) for other in found):
            continue  # the reference has the runs of two places
        matchers = tuple(_matcher(value) for value in values)
        same = all(matcher == matchers[0] for matcher in matchers) and not isinstance(values[0], list)
        expected[reference] = Expected(matchers[0] if same else matchers)  # a list has one for each run
    return expected


def _is_nested(reference: str, other: str) -> bool:
    """Whether a reference also has the runs of another one: its flow is the one that was asked for."""
    return "/" in reference and other == reference.partition("/")[2]


def _matcher(value: Any) -> Matcher:
    return Anything() if value is UNKNOWN else Equal(value)
