"""The failure table: for each set of failing nodes, what the flow does."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

from selinon_core.exploring.exploration import Exploration, OutcomeKey
from selinon_core.exploring.properties import FailureRow
from selinon_core.plan import FlowPlan

_UNHANDLED = "no fallback applies"


def failure_table(flow: FlowPlan, exploration: Exploration) -> tuple[FailureRow, ...]:
    """The rows of all sets of nodes that failed in some run, small sets first."""
    order = {name: at for at, name in enumerate(exploration.nodes)}
    found: dict[tuple[object, ...], FailureRow] = {}
    for key, choices in exploration.outcomes.items():
        if key.status == "cancelled" or (not key.failing and key.status != "timeout"):
            continue
        fallbacks = _fallbacks_of(flow, key)
        row = FailureRow(key.failing, key.status, reason_of(key), fallbacks, key.attempts, choices)
        found.setdefault(row[:5], row)
    return tuple(
        sorted(
            found.values(),
            key=lambda row: (len(row.failing), [order.get(n, 0) for n in row.failing], row.status, row.attempts),
        )
    )


def reason_of(key: OutcomeKey) -> str | None:
    """Why a run failed, in a few words."""
    reason = key.reason
    if reason is None:
        return None
    left = unhandled_nodes(key)
    if left:
        return "nothing handles it" if left == key.failing else f"nothing handles {', '.join(left)}"
    if reason.startswith("a fallback with propagate_failure"):
        return "propagate_failure"
    if reason.endswith("is listed in eager_failures"):
        return "eager_failures"
    return reason


def unhandled_nodes(key: OutcomeKey) -> tuple[str, ...]:
    """The nodes whose failures no entry handled, if that is why the flow failed."""
    text, colon, names = (key.reason or "").partition(": ")
    return tuple(names.split(", ")) if colon and text.startswith(_UNHANDLED) else ()


def is_unhandled(row: FailureRow) -> bool:
    """Whether the flow failed because no entry handles a failure."""
    return row.reason is not None and row.reason.startswith("nothing handles")


def rows_worth_showing(rows: Iterable[FailureRow]) -> list[FailureRow]:
    """The rows without those that follow from smaller sets.

    A set follows if smaller ones that make it up have rows, and it fails as the worst of them does, with the
    fallbacks of all of them.
    """
    known: dict[tuple[str, ...], list[FailureRow]] = {}
    shown = []
    for row in rows:
        if not any(_follows(row, parts) for parts in _made_up_of(row.failing, known)) and not _is_late(row, known):
            shown.append(row)
        known.setdefault(row.failing, []).append(row)
    return shown


def _is_late(row: FailureRow, known: dict[tuple[str, ...], list[FailureRow]]) -> bool:
    """Whether a time-out after failures shows no more than the failures and the time-out by themselves do."""
    if row.status != "timeout" or not row.failing or not known.get(()):
        return False
    alone = [other for other in known.get(row.failing, ()) if other.status != "timeout"]
    return any(set(row.fallbacks) <= set(other.fallbacks) for other in alone)


def _made_up_of(
    failing: tuple[str, ...], known: dict[tuple[str, ...], list[FailureRow]]
) -> Iterable[tuple[FailureRow, ...]]:
    """Pairs of rows of smaller sets whose union is the set."""
    if len(failing) < 2:
        return
    for size in range(1, len(failing) // 2 + 1):
        for part in combinations(failing, size):
            rest = tuple(name for name in failing if name not in part)
            for one in known.get(part, ()):
                for other in known.get(rest, ()):
                    yield one, other


def _follows(row: FailureRow, parts: tuple[FailureRow, ...]) -> bool:
    fallbacks = {name for part in parts for name in part.fallbacks}
    if all(part.status == "success" for part in parts):
        return row.status == "success" and set(row.fallbacks) == fallbacks
    failing = [part for part in parts if part.status != "success"]
    is_alike = row.status != "success" and set(row.fallbacks) <= fallbacks
    return is_alike and (
        is_unhandled(row) if any(map(is_unhandled, failing)) else row.reason in {part.reason for part in failing}
    )


def _fallbacks_of(flow: FlowPlan, key: OutcomeKey) -> tuple[str, ...]:
    """The nodes that ran and are fallbacks of entries whose nodes have failed."""
    ran = dict(key.runs)
    names = [
        name
        for entry in flow.failures
        if set(entry.nodes) <= set(key.failing)
        for name in entry.fallback
        if name in ran
    ]
    return tuple(dict.fromkeys(names))


def outcome_title(key: OutcomeKey, exploration: Exploration) -> str:
    """A way to end as the name of a test case."""
    if key.status == "cancelled":
        run = "runs" if len(key.active) == 1 else "run"
        what = "is cancelled " + (f"while {' and '.join(key.active)} {run}" if key.active else "between attempts")
    else:
        what = {"success": "succeeds", "failure": "fails", "timeout": "times out"}[key.status]
    fail = "fails" if len(key.failing) == 1 else "fail"
    failing = f" when {' and '.join(key.failing)} {fail}" if key.failing else ""
    ran = [name if count == 1 else f"{count} x {name}" for name, count in key.runs]
    return f"{exploration.context.flow} {what}{failing} after {', '.join(ran) or 'nothing'}"
