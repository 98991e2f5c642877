"""Which nodes of a flow can come again: strongly connected components of the graph of nodes."""

from __future__ import annotations

from selinon_core.dispatch.flow_index import FlowIndex
from selinon_core.plan.components import cyclic


def nodes_in_cycles(table: FlowIndex) -> frozenset[str]:
    """The nodes that can follow themselves, by edges and fallbacks."""
    arcs: dict[str, set[str]] = {name: set() for name in table.destinations}
    for row in table.rows:
        for source in row.sources:
            arcs.setdefault(source, set()).update(row.edge.destinations)
    for entry in table.flow.failures:
        for source in entry.nodes:
            arcs.setdefault(source, set()).update(entry.fallback)
    return frozenset(name for component in cyclic(arcs) for name in component)
