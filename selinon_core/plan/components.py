"""Strongly connected components: the parts of a graph in which everything leads to everything."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def components(graph: Mapping[T, Iterable[T]]) -> list[tuple[T, ...]]:
    """Return the components, each before those that lead to it, nodes within one in order of discovery.

    A successor that is not a key has no successors. Linear, without recursion (Tarjan 1972).
    """
    number: dict[T, int] = {}
    low: dict[T, int] = {}
    open_nodes: list[T] = []
    is_open: set[T] = set()
    found: list[tuple[T, ...]] = []
    for root in graph:
        if root in number:
            continue
        number[root] = low[root] = len(number)
        open_nodes.append(root)
        is_open.add(root)
        path = [(root, iter(graph[root]))]
        while path:
            name, successors = path[-1]
            for successor in successors:
                if successor not in number:
                    number[successor] = low[successor] = len(number)
                    open_nodes.append(successor)
                    is_open.add(successor)
                    path.append((successor, iter(graph.get(successor, ()))))
                    break
                if successor in is_open and number[successor] < low[name]:
                    low[name] = number[successor]
            else:
                path.pop()
                if path and low[name] < low[path[-1][0]]:
                    low[path[-1][0]] = low[name]
                if low[name] == number[name]:
                    members = [open_nodes.pop()]
                    while members[-1] != name:
                        members.append(open_nodes.pop())
                    is_open.difference_update(members)
                    found.append(tuple(reversed(members)))
    return found


def cyclic(graph: Mapping[T, Iterable[T]]) -> list[tuple[T, ...]]:
    """Return the components that hold a cycle: several nodes, or one that leads to itself."""
    return [
        members for members in components(graph) if len(members) > 1 or members[0] in graph.get(members[0], ())
    ]


def shortest_cycle(
    graph: Mapping[str, Iterable[str]], start: str, within: Collection[str] | None = None
) -> tuple[str, ...]:
    """Return the nodes of a shortest cycle through ``start``, beginning with it; ``()`` if there is none.

    ``within`` are the only nodes looked at, when given (those of a component, say).
    """
    came_from: dict[str, str] = {}
    todo = [start]
    for name in todo:
        for successor in graph.get(name, ()):
            if successor == start:
                cycle = [name]
                while cycle[-1] != start:
                    cycle.append(came_from[cycle[-1]])
                return tuple(reversed(cycle))
            if successor not in came_from and (within is None or successor in within):
                came_from[successor] = name
                todo.append(successor)
    return ()
