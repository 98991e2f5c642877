"""A run report laid over the plan: what became of each node and how often each edge was considered and fired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from selinon_core.plan import EdgePlan, FailurePlan
from selinon_core.plan.text_wrap import printable, truncate


class NodeRuns(NamedTuple):
    """All runs of a node in one flow. Times are virtual seconds; ``error`` is of the last failed run."""

    runs: int
    succeeded: int
    failed: int
    reused: int
    attempts: int
    seconds: float
    error: str

    @property
    def state(self) -> str:
        """One word for all of them."""
        if self.failed:
            return "failure" if self.failed == self.runs else "mixed"
        return "reused" if self.reused == self.runs else "success"


class Overlay:
    """Look-ups in a run report of version 1 (see the command line's ``run --report``)."""

    def __init__(self, report: Mapping[str, Any]) -> None:
        self._report = report
        self._nodes: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
        for run in _mappings(report.get("nodes")):
            self._nodes.setdefault((str(run.get("flow")), str(run.get("name"))), []).append(run)
        self._edges = _by_index(report.get("edges"))
        self._fallbacks = _by_index(report.get("fallbacks"))
        self._flows = {flow for flow, _ in (*self._nodes, *self._edges)}

    def ran(self, flow: str) -> bool:
        """Return whether the flow took part in the run."""
        return flow in self._flows

    def node(self, flow: str, name: str) -> NodeRuns | None:
        """Return what became of a node, None if no run of it was started."""
        runs = self._nodes.get((flow, name))
        return _summary(runs) if runs else None

    def edge(self, flow: str, edge: EdgePlan) -> tuple[int, int] | None:
        """Return how often an edge was considered and fired, None if the report does not know it.

        A report of an older plan may number the edges differently; then the ends decide, and edges whose ends
        occur several times stay without numbers rather than getting wrong ones.
        """
        row = self._edges.get((flow, edge.index))
        if row is None or not _same_ends(row, edge):
            rows = [r for (f, _), r in self._edges.items() if f == flow and _same_ends(r, edge)]
            if len(rows) != 1:
                return None
            row = rows[0]
        return _count(row.get("considered")), _count(row.get("fired"))

    def fallback(self, flow: str, entry: FailurePlan) -> tuple[int, int] | None:
        """Return how often a failures entry was considered and used, None if the report does not count it.

        As with edges, the nodes decide where a report of an older plan numbers the entries differently.
        """
        row = self._fallbacks.get((flow, entry.index))
        if row is None or not _same_entry(row, entry):
            rows = [r for (f, _), r in self._fallbacks.items() if f == flow and _same_entry(r, entry)]
            if len(rows) != 1:
                return None
            row = rows[0]
        return _count(row.get("considered")), _count(row.get("used"))

    def may_have_used(self, flow: str, entry: FailurePlan) -> bool:
        """Return whether a fallback was used or, where the report does not count that, could have been."""
        counts = self.fallback(flow, entry)
        if counts:
            return counts[1] > 0
        found = [self.node(flow, name) for name in entry.nodes]
        return all(runs is not None and runs.failed for runs in found)

    def flow(self, name: str) -> tuple[str, str]:
        """Return state and a line of text for a flow as a whole."""
        if self._report.get("flow") == name:
            state = str(self._report.get("status", ""))
            seconds = self._report.get("virtual_seconds")
            text = {"success": "succeeded", "failure": "failed"}.get(state, printable(state))
            if isinstance(seconds, int | float):
                text += f" after {seconds_text(seconds)}"
            return state if state in {"success", "failure"} else "", text
        runs = [run for (_, node), found in self._nodes.items() if node == name for run in found]
        if not runs:
            return "unreached", "not run"
        summary = _summary(runs)
        return summary.state, ", ".join(run_notes(summary))


def run_notes(runs: NodeRuns | None) -> tuple[str, ...]:
    """Return lines that describe the runs of a node."""
    if runs is None:
        return ("not run",)
    parts = []
    if runs.runs > 1:
        parts.append(f"{runs.runs} runs")
    if runs.failed:
        parts.append(f"{runs.failed} failed" if runs.runs > 1 else "failed")
    if runs.reused:
        parts.append(f"{runs.reused} reused" if runs.runs > 1 else "reused")
    if runs.attempts > runs.runs:
        parts.append(f"{runs.attempts} attempts")
    if runs.seconds:
        parts.append(seconds_text(runs.seconds))
    lines = [" · ".join(parts) or "1 run"]
    if runs.error:
        lines.append(truncate(runs.error, 44))
    return tuple(lines)


def seconds_text(seconds: float) -> str:
    """Write a duration: ``0.25 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def _summary(runs: list[Mapping[str, Any]]) -> NodeRuns:
    status = [str(run.get("status")) for run in runs]
    seconds = sum(_number(run.get("finished_at")) - _number(run.get("started_at")) for run in runs)
    failed = [run for run in runs if run.get("status") == "failure"]
    return NodeRuns(
        runs=len(runs),
        succeeded=status.count("success"),
        failed=len(failed),
        reused=status.count("reused"),
        attempts=sum(_count(run.get("attempts")) for run in runs),
        seconds=max(round(seconds, 6), 0.0),
        error=_error(failed[-1].get("error")) if failed else "",
    )


def _error(error: Any) -> str:
    if not isinstance(error, Mapping):
        return ""
    kind, message = str(error.get("type", "")), str(error.get("message", ""))
    # the message of a failed flow is its state as JSON, which the drawing shows already
    first = message.strip().splitlines()[0] if message.strip() and not message.startswith("{") else ""
    return printable(f"{kind}: {first}" if first else kind)


def _mappings(rows: Any) -> list[Mapping[str, Any]]:
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, Sequence) else []


def _by_index(rows: Any) -> dict[tuple[str, int], Mapping[str, Any]]:
    return {(str(row.get("flow")), _count(row.get("index"))): row for row in _mappings(rows)}


def _same_ends(row: Mapping[str, Any], edge: EdgePlan) -> bool:
    return set(_names(row.get("from"))) == set(edge.sources) and sorted(_names(row.get("to"))) == sorted(
        edge.destinations
    )


def _same_entry(row: Mapping[str, Any], entry: FailurePlan) -> bool:
    fallback = row.get("fallback")
    started = [] if fallback is True else _names(fallback)
    return set(_names(row.get("nodes"))) == set(entry.nodes) and sorted(started) == sorted(entry.fallback)


def _names(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else []


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
