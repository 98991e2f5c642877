"""Which nodes of a flow can come again: strongly connected components of the graph of nodes."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

from selinon_core.dispatch.flow_index import FlowIndex

T = TypeVar("T", bound=Hashable)


def nodes_in_cycles(table: FlowIndex) -> frozenset[str]:
    """The nodes that can follow themselves, by edges and fallbacks."""
    arcs: dict[str, set[str]] = {name: set() for name in table.destinations}
    for row in table.rows:
        for source in row.sources:
            arcs.setdefault(source, set()).update(row.edge.destinations)
    for entry in table.flow.failures:
        for source in entry.nodes:
            arcs.setdefault(source, set()).update(entry.fallback)
    found: set[str] = set()
    for component in components(arcs):
        if len(component) > 1 or component[0] in arcs.get(component[0], ()):
            found.update(component)
    return frozenset(found)


def components(arcs: Mapping[T, Iterable[T]]) -> list[list[T]]:
    """The strongly connected components, each after those that it leads to (Tarjan, without recursion)."""
    index: dict[T, int] = {}
    low: dict[T, int] = {}
    on_stack: set[T] = set()
    stack: list[T] = []
    found: list[list[T]] = []
    for root in arcs:
        if root in index:
            continue
        work = [(root, iter(arcs.get(root, ())))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, successors = work[-1]
            for successor in successors:
                if successor not in index:
                    index[successor] = low[successor] = len(index)
                    stack.append(successor)
                    on_stack.add(successor)
                    work.append((successor, iter(arcs.get(successor, ()))))
                    break
                if successor in on_stack:
                    low[node] = min(low[node], index[successor])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    component: list[T] = []
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        component.append(member)
                        if member == node:
                            break
                    found.append(component)
    return found
