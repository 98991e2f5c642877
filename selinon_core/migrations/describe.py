"""A migration described for people: how each edge changed, and which runs that taints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from selinon_core.migrations.compare import Comparison
from selinon_core.plan import EdgePlan
from selinon_core.plan.flow_diff import FlowChange

#: What becomes of tainted runs.
WHAT_HAPPENS = {
    "IGNORE": "they go on with the new edges",
    "RETRY": "they start again from the beginning",
    "FAIL": "they fail",
}


def edge_text(edge: EdgePlan) -> str:
    """``A, B -> C``; a starting edge is ``start -> C``."""
    sources = ", ".join(dict.fromkeys(edge.sources)) or "start"
    return f"{sources} -> {', '.join(edge.destinations)}"


def describe(comparison: Comparison, strategy: str) -> Iterator[str]:
    """Yield the lines that describe a comparison."""
    for name, change in comparison.changes.items():
        yield f"flow {name}"
        yield from _flow(comparison, name, change)
    if any(change.tainted_edges or change.tainting_nodes for change in comparison.changes.values()):
        yield f"tainted runs: {strategy}, {WHAT_HAPPENS[strategy]}"
    for name in comparison.added:
        yield f"flow {name} is new: nothing to migrate"
    for name in comparison.removed:
        yield f"flow {name} is gone: runs of it that are in flight cannot go on"


def taints_of(comparison: Comparison, flow: str) -> tuple[Mapping[int, str], Mapping[int, str]]:
    """Why edges taint runs: removed edges by their index in the old flow, new edges by their index in the new."""
    change = comparison.changes.get(flow, FlowChange())
    gone = dict.fromkeys(sorted(change.tainted_edges), "taints runs in which it fired")
    new = {index: f"taints runs in which {_finished(names)}" for index, names in change.tainting_nodes.items()}
    return gone, new


def _flow(comparison: Comparison, name: str, change: FlowChange) -> Iterator[str]:
    old, new = comparison.old.flows[name], comparison.new.flows[name]
    gone, missed = taints_of(comparison, name)
    kept = {change.moved(edge.index) for edge in old.edges}
    for edge in old.edges:
        index = change.moved(edge.index)
        if index is None:
            yield f"  - {edge_text(edge)} ({edge.place}) is gone: {gone[edge.index]}"
        elif index != edge.index:
            yield f"  = {edge_text(edge)} moves from {edge.index} to {index}"
    for edge in new.edges:
        if edge.index in missed:
            verb = "is" if len(set(edge.sources)) == 1 else "are"
            rest = f"where {', '.join(dict.fromkeys(edge.sources))} {verb} still active, it is waited for"
            yield f"  + {edge_text(edge)} ({edge.place}) is new: {missed[edge.index]}; {rest}"
        elif edge.index not in kept:
            yield f"  + {edge_text(edge)} ({edge.place}) is new: never fires in runs that were started before"


def _finished(names: tuple[str, ...]) -> str:
    if len(names) == 1:
        return f"{names[0]} has finished"
    return f"{', '.join(names[:-1])} and {names[-1]} have finished"
