"""The timeline of a flow run: how long each node run was queued, waited for a worker and ran; the critical path.

The critical path leads from the node run that ended last back through the source that ended last, to the start of
the flow. What is on it made the run as long as it is; everything else had time to spare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

Json = Mapping[str, Any]


class Span(NamedTuple):
    """A node run in time; seconds since the epoch.

    Queued from ``queued`` to ``begun``: its message was on the way, or no worker was free. Of a node run that a
    worker tried several times ``begun`` is the newest attempt. ``ended`` is that of the question for what is open.
    """

    number: int
    id: str
    name: str
    status: str
    queued: float
    begun: float | None
    ended: float

    @property
    def waiting(self) -> float:
        """Seconds before it ran."""
        return max((self.ended if self.begun is None else self.begun) - self.queued, 0.0)

    @property
    def running(self) -> float:
        """Seconds that it ran."""
        return 0.0 if self.begun is None else max(self.ended - self.begun, 0.0)


def spans(run: Json, now: float) -> list[Span]:
    """The node runs of a run as ``run_status.describe`` has it, in order of start; ``now`` ends open ones."""
    return [
        Span(
            node["number"],
            node["id"],
            node["name"],
            node["status"],
            node["queued"],
            node["begun"],
            node["ended"] or now,
        )
        for node in run["nodes"]
    ]


def critical_path(run: Json, now: float) -> list[dict[str, Any]]:
    """``[{"number", "id", "name", "queued", "begun", "ended", "waiting", "share"}]``, first to last.

    ``waiting`` are the seconds before it ran, from the end of what it came after; ``share`` is the part of the
    whole path that it took, waiting and running, from 0 to 1.
    """
    known = {span.number: span for span in spans(run, now)}
    sources = {node["number"]: node["sources"] for node in run["nodes"]}
    attempt = max((node["flow_attempt"] for node in run["nodes"]), default=0)
    last = [known[node["number"]] for node in run["nodes"] if node["flow_attempt"] == attempt]
    span = max(last, key=lambda span: (span.ended, -span.queued), default=None)
    path: list[Span] = []
    while span is not None:
        path.append(span)
        before = [known[number] for number in sources[span.number] if number in known]
        span = max(before, key=lambda span: span.ended, default=None)
    path.reverse()
    if not path:
        return []
    total = max(path[-1].ended - path[0].queued, 0.0)
    steps, at = [], path[0].queued
    for span in path:
        begun = span.ended if span.begun is None else span.begun
        steps.append(
            {
                "number": span.number,
                "id": span.id,
                "name": span.name,
                "queued": span.queued,
                "begun": span.begun,
                "ended": span.ended,
                "waiting": round(max(begun - at, 0.0), 3),
                "share": round((span.ended - at) / total, 4) if total else 0.0,
            }
        )
        at = span.ended
    return steps


def waiting_share(path: Sequence[Json]) -> float:
    """The part of a critical path that was waiting, from 0 to 1."""
    if not path:
        return 0.0
    total = path[-1]["ended"] - path[0]["queued"]
    return float(min(sum(step["waiting"] for step in path) / total, 1.0)) if total > 0 else 0.0
