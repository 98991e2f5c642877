"""What trace events refer to: edges and failures entries as the files have them now, and errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from selinon_core.plan import EdgePlan, FailurePlan, FlowPlan
from selinon_core.runtime.error_codec import rebuild_error

Event = Mapping[str, Any]


def edge_of(event: Event, flow: FlowPlan) -> EdgePlan | None:
    """The edge that an event is about; None where the flow has no such edge any more."""
    index = event.get("edge")
    if not isinstance(index, int):
        return None
    ends = (tuple(event["nodes_from"]), tuple(event["nodes_to"]))
    if 0 <= index < len(flow.edges) and (flow.edges[index].sources, flow.edges[index].destinations) == ends:
        return flow.edges[index]
    same = [edge for edge in flow.edges if (edge.sources, edge.destinations) == ends]
    return same[0] if len(same) == 1 else None


def entry_of(event: Event, flow: FlowPlan, names: Sequence[str]) -> FailurePlan | None:
    """The failures entry for these names that an event is about; of several equal ones that at its place."""
    nodes = tuple(sorted(names))
    fallback = () if event["fallback"] is True else tuple(event["fallback"])
    same = [entry for entry in flow.failures if (entry.nodes, entry.fallback) == (nodes, fallback)]
    at_place = [entry for entry in same if str(entry.place) == event.get("where")]
    return next(iter(at_place or same), None)


def error_of(traceback: Any) -> Exception:
    """The error at the end of a traceback."""
    lines = str(traceback or "").strip().splitlines()
    last = next((line for line in reversed(lines) if line and not line.startswith((" ", "+", "|"))), "")
    name, colon, message = last.partition(": ")
    name = name.rpartition(".")[2]
    if not name.isidentifier():
        return rebuild_error("Error", last or "it did not say why")
    return rebuild_error(name, message if colon else "")
