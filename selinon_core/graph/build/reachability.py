"""Which edges can ever fire, judged by constant conditions alone."""

from __future__ import annotations

from typing import NamedTuple

from selinon_core.plan import EdgePlan, FailurePlan, FlowPlan
from selinon_core.plan.condition_text import constant_truth


class Reach(NamedTuple):
    """Indexes of the edges and failure entries that may fire, and names of the nodes that may start."""

    edges: frozenset[int]
    failures: frozenset[int]
    nodes: frozenset[str]


def reach(flow: FlowPlan) -> Reach:
    """Follow a flow from its starting edges over every edge that is not always false."""
    edges: set[int] = set()
    failures: set[int] = set()
    nodes: set[str] = set()
    open_edges: list[EdgePlan] = [e for e in flow.edges if constant_truth(e.condition) is not False]
    open_failures: list[FailurePlan] = [f for f in flow.failures if constant_truth(f.condition) is not False]
    grown = True
    while grown:
        grown = False
        for edge in tuple(open_edges):
            if nodes.issuperset(edge.sources):
                open_edges.remove(edge)
                edges.add(edge.index)
                nodes.update(edge.destinations)
                grown = True
        for entry in tuple(open_failures):
            if nodes.issuperset(entry.nodes):
                open_failures.remove(entry)
                failures.add(entry.index)
                nodes.update(entry.fallback)
                grown = True
    return Reach(frozenset(edges), frozenset(failures), frozenset(nodes))
