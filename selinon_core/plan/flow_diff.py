"""How the edges of two versions of a flow belong together: what a migration says about one flow. Pure.

The state of a flow run refers to edges by their index. When the file changes, an old index has to become a new one
or to be forgotten, and some runs are *tainted*: they did what they would not do now, or missed what they would do.

Edges are the same when they have the same sources and the same destinations; as in selinon 1.x both are sets, and
of several equal edges the first old one is the first new one. What is left over of the old edges is gone: a run in
which one fired is tainted. What is left over of the new ones is new: a run in which all of its sources have
finished before has missed it and is tainted. A new edge that starts the flow has no sources; it never fires in
runs that were started before, and taints nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from selinon_core.plan.model import EdgePlan, FlowPlan

#: What becomes of tainted runs, from the weakest to the strongest.
STRATEGIES = ("IGNORE", "RETRY", "FAIL")

Ends = tuple[frozenset[str], frozenset[str]]


class FlowChange(NamedTuple):
    """What a migration says about one flow.

    ``translation`` maps old indexes to new ones, None for edges that are gone; what it does not mention keeps its
    index. ``tainted_edges`` are old indexes, ``tainting_nodes`` maps new edges to their sources.
    """

    translation: Mapping[int, int | None] = {}
    tainted_edges: frozenset[int] = frozenset()
    tainting_nodes: Mapping[int, tuple[str, ...]] = {}

    def __bool__(self) -> bool:
        """Whether it says anything."""
        return bool(self.translation or self.tainted_edges or self.tainting_nodes)

    def moved(self, old: int) -> int | None:
        """The new index of an old edge, None when it is gone."""
        return self.translation.get(old, old)

    def taint(self, fired: Collection[int], finished: Collection[str]) -> Taint:
        """What taints a run in which these (old) edges fired and these nodes have finished."""
        return Taint(
            tuple(sorted(self.tainted_edges.intersection(fired))),
            tuple(
                index
                for index, names in sorted(self.tainting_nodes.items())
                if names and all(name in finished for name in names)
            ),
        )

    def to_json(self) -> list[Any]:
        """A compact JSON value that ``from_json`` turns back into an equal change."""
        return [
            [[old, new] for old, new in sorted(self.translation.items())],
            sorted(self.tainted_edges),
            [[index, list(names)] for index, names in sorted(self.tainting_nodes.items())],
        ]

    @classmethod
    def from_json(cls, value: Sequence[Any]) -> FlowChange:
        """The inverse of ``to_json``."""
        translation, tainted, tainting = value[:3]
        return cls(
            dict(translation),
            frozenset(tainted),
            {index: tuple(names) for index, names in tainting},
        )


class Taint(NamedTuple):
    """Why a run is tainted: old edges that fired and are gone, new edges it has missed. False: it is not."""

    edges: tuple[int, ...] = ()
    missed: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.edges or self.missed)


class MigrationStep(NamedTuple):
    """What one migration file (``version`` is its number) says about a flow; ``strategy`` one of STRATEGIES."""

    version: int
    strategy: str
    change: FlowChange

    def to_json(self) -> list[Any]:
        """A JSON value that ``from_json`` turns back into an equal step."""
        return [self.version, self.strategy, self.change.to_json()]

    @classmethod
    def from_json(cls, value: Sequence[Any]) -> MigrationStep:
        """The inverse of ``to_json``."""
        return cls(value[0], value[1], FlowChange.from_json(value[2]))


def ends(edge: EdgePlan) -> Ends:
    """What makes two edges the same for a migration."""
    return frozenset(edge.sources), frozenset(edge.destinations)


def compare_flows(old: FlowPlan, new: FlowPlan) -> FlowChange:
    """Compare two versions of a flow; in time linear in their edges."""
    waiting: dict[Ends, deque[int]] = {}
    for edge in new.edges:
        waiting.setdefault(ends(edge), deque()).append(edge.index)
    translation: dict[int, int | None] = {}
    kept: set[int] = set()
    for edge in old.edges:
        same = waiting.get(ends(edge))
        found = same.popleft() if same else None
        if found is not None:
            kept.add(found)
        if found != edge.index:
            translation[edge.index] = found
    return FlowChange(
        translation,
        frozenset(index for index, found in translation.items() if found is None),
        {e.index: tuple(dict.fromkeys(e.sources)) for e in new.edges if e.index not in kept and e.sources},
    )


def compose(first: FlowChange, second: FlowChange, edges: int) -> FlowChange:
    """The one change that does to a run what ``first`` and then ``second`` do; ``edges``: how many there were.

    New edges of ``first`` that ``second`` removes are not in it: no run is tainted for having missed them.
    """
    translation: dict[int, int | None] = {}
    tainted = set(first.tainted_edges)
    for old in range(edges):
        between = first.moved(old)
        new = None if between is None else second.moved(between)
        if between is not None and between in second.tainted_edges:
            tainted.add(old)
        if new != old:
            translation[old] = new
    tainting = dict(second.tainting_nodes)
    for between, names in first.tainting_nodes.items():
        new = second.moved(between)
        if new is not None:
            tainting[new] = names
    return FlowChange(translation, frozenset(tainted), tainting)


def follow(steps: Sequence[MigrationStep], index: int) -> int | None:
    """Where an edge is after these steps, None when it is gone."""
    for step in steps:
        moved = step.change.moved(index)
        if moved is None:
            return None
        index = moved
    return index


def explains(steps: Sequence[MigrationStep], old: FlowPlan, new: FlowPlan) -> bool:
    """Whether these steps account for every difference between two versions of a flow.

    Every old edge has to arrive at an edge with the same ends or be gone, and every other new edge has to be one
    that starts the flow or be announced by a step as new, with its sources.
    """
    kept: set[int] = set()
    for edge in old.edges:
        found = follow(steps, edge.index)
        if found is None:
            continue
        if found in kept or not 0 <= found < len(new.edges) or ends(new.edges[found]) != ends(edge):
            return False
        kept.add(found)
    announced: dict[int | None, frozenset[str]] = {}
    for position, step in enumerate(steps):
        for index, names in step.change.tainting_nodes.items():
            announced[follow(steps[position + 1 :], index)] = frozenset(names)
    return all(
        edge.index in kept or not edge.sources or announced.get(edge.index) == frozenset(edge.sources)
        for edge in new.edges
    )


def strongest(strategies: Collection[str]) -> str | None:
    """FAIL over RETRY over IGNORE; None of none."""
    return max(strategies, key=STRATEGIES.index, default=None)
