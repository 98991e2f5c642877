"""On which ways the nodes of a flow run: whether a node has certainly run, may have, or may have several times.

The answers are truth tables over the tests of the flow's conditions: an integer whose bit number *r* is the value
in row *r* (see ``verdict``), one for each node, worked out as a least fixpoint. So a condition and its opposite
are seen to exclude each other, and together to leave no way. A test that may be asked more than once (behind a
node that may run again) is an unknown of the edges with the same sources, and so is whether a foreach has items
and whether a node fails. Above ``MOST_UNKNOWNS`` unknowns nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property
from typing import NamedTuple

from selinon_core.config.model import EdgeDef, FailureDef
from selinon_core.lint.analysis.atoms import Atom
from selinon_core.lint.analysis.dataflow.asked import AskedAtoms
from selinon_core.lint.analysis.facts import FlowGraph, StartRule
from selinon_core.lint.analysis.verdict import MOST_UNKNOWNS, Formula, Formulas, Table


class _Way(NamedTuple):
    """A step with what has to hold for it, and whether it may start its destinations more than once."""

    step: StartRule
    condition: Formula
    some: Formula

    @property
    def is_fallback(self) -> bool:
        return isinstance(self.step.origin, FailureDef)


def ways_of(graph: FlowGraph) -> Ways:
    """The ways through a flow; that a node runs once follows from its edges, and then by their conditions."""
    first = cache(lambda: Ways(graph, graph.runs_once))  # most flows do not need it
    return Ways(graph, lambda name: graph.runs_once(name) or first().may_run_again(name) is False)


class Ways:
    """The ways through a flow. ``runs_once`` tells of a node that it certainly runs at most once."""

    def __init__(self, graph: FlowGraph, runs_once: Callable[[str], bool]) -> None:
        self._graph = graph
        self._runs_once = runs_once
        self._index: dict[Atom, int] = {}
        self._ways = [self._way(step) for step in graph.steps]
        self._fails = {
            name: self._unknown(("fails", name))
            for step in graph.fallbacks
            if isinstance(step.origin, FailureDef) and not step.origin.propagate_failure
            for name in step.sources
        }

    @property
    def are_known(self) -> bool:
        """Whether something can be said about which nodes run."""
        return self._graph.reliable and len(self._index) <= MOST_UNKNOWNS

    # --- what conditions are made of -------------------------------------------------------------------------

    def _unknown(self, key: object) -> Atom:
        atom = Atom(key)
        self._index.setdefault(atom, len(self._index))
        return atom

    def _way(self, step: StartRule) -> _Way:
        origin = step.origin
        condition: Formula = True
        stated = step.stated()
        if origin.condition is not None and stated is not None and step.atoms is not None:
            asked = AskedAtoms(step, step.atoms, self._runs_once)
            if asked.are_asked_once(origin.condition):
                condition = stated.formula
                for atom in stated.signs:
                    self._index.setdefault(atom, len(self._index))
            else:
                condition = Formulas(asked, self._index).tree(origin.condition)
        some: Formula = True
        if isinstance(origin, FailureDef):
            condition = ("and", (condition, self._unknown(("failed", id(origin)))))
        elif origin.foreach is not None:
            some = self._unknown(("items", id(origin)))
        return _Way(step, condition, some)

    @cached_property
    def _table(self) -> Table:
        return Table(tuple(self._index))

    def _values(self, formula: Formula) -> int:
        return self._table.values(formula)

    # --- whether a node runs in a flow run -------------------------------------------------------------------

    @cached_property
    def _fires(self) -> tuple[list[int], dict[str, int], dict[str, int]]:
        """Per way the rows in which it is taken; per node those in which it runs, and more than once."""
        fires = [0] * len(self._ways)
        runs: dict[str, int] = {}
        several: dict[str, int] = {}
        failing = {name: self._values(atom) for name, atom in self._fails.items()}
        rows = self._table.rows
        conditions = [self._values(way.condition) for way in self._ways]
        some = [self._values(way.some) for way in self._ways]
        changed = True
        while changed:
            changed = False
            for name, steps in self._by_node.items():  # mostly in the order of the run: few rounds are needed
                once = again = 0
                for number, times in steps:
                    way = self._ways[number]
                    taken = conditions[number]
                    for source in way.step.sources:
                        started = rows if source in self._graph.supposed else runs.get(source, 0)
                        taken &= started if way.is_fallback else started & ~failing.get(source, 0)
                    fires[number] |= taken
                    now = fires[number] & some[number]
                    repeated = times > 1 or way.some is not True or name in self._graph.cyclic_nodes
                    again |= once & now
                    again |= now if repeated else 0
                    for source in way.step.sources:
                        again |= now & several.get(source, 0)
                    once |= now
                if once & ~runs.get(name, 0) or again & ~several.get(name, 0):
                    runs[name], several[name] = runs.get(name, 0) | once, several.get(name, 0) | again
                    changed = True
        return fires, runs, several

    @cached_property
    def _by_node(self) -> dict[str, list[tuple[int, int]]]:
        """Node -> the ways that start it, and how many times each does."""
        found: dict[str, list[tuple[int, int]]] = {}
        for number, way in enumerate(self._ways):
            for name in dict.fromkeys(way.step.destinations):
                found.setdefault(name, []).append((number, way.step.destinations.count(name)))
        return found

    def may_lack_run(self, name: str) -> bool | None:
        """Whether a flow run may succeed without a successful run of a node; None where that is not known."""
        if not self.are_known:
            return None
        fires, starts, _ = self._fires
        runs = starts.get(name, 0)
        if name in self._fails:
            runs &= ~self._values(self._fails[name])
        ends = self._table.possible
        for members in self._cycles:
            around = self._table.rows
            for number in members:
                around &= fires[number]
            ends &= ~around  # the last time round, one of the edges of a cycle is not taken
        return bool(ends & ~runs)

    @cached_property
    def _cycles(self) -> list[list[int]]:
        """The ways that lead around each cycle."""
        on_cycle = self._graph.on_one_cycle
        found: dict[frozenset[str], list[int]] = {}
        for number, way in enumerate(self._ways):
            if way.is_fallback:
                continue
            for source in way.step.sources:
                for node in way.step.destinations:
                    if on_cycle(source, node):
                        members = frozenset(n for n in self._graph.cyclic_nodes if on_cycle(source, n))
                        if number not in found.setdefault(members, []):
                            found[members].append(number)
        return list(found.values())

    def may_run_again(self, name: str) -> bool | None:
        """Whether a node may run more than once; None where that is not known."""
        if not self.are_known:
            return None
        return bool(self._fires[2].get(name, 0) & self._table.possible)

    def always_runs_again(self, name: str) -> bool:
        """Whether a node is listed twice by each edge that starts it."""
        return all(times > 1 and self._ways[number].some is True for number, times in self._by_node.get(name, ()))

    # --- whether a node has run before an edge or a fallback -------------------------------------------------

    def _ancestors(self, sources: tuple[str, ...]) -> frozenset[str]:
        """The nodes that may have run before some nodes, which are not among them unless they lie on a cycle."""
        seen: set[str] = set()
        todo = list(sources)
        while todo:
            for number, _ in self._by_node.get(todo.pop(), ()):
                new = set(self._ways[number].step.sources) - seen
                seen |= new
                todo.extend(new)
        return frozenset(seen)

    def comes_before(self, origin: EdgeDef | FailureDef, name: str) -> bool:
        """Whether a run of a node may lie on the way to an edge or a fallback, and have a result there."""
        sources = self._step(origin).sources
        if isinstance(origin, EdgeDef) and name in sources:
            return True
        return any(self._has_before(source, name) for source in sources)

    def are_complete(self, origin: EdgeDef | FailureDef) -> bool:
        """Whether all ways to an edge or a fallback begin at the start of the flow.

        Where one begins at a node that nothing starts (a misspelt name, say), what comes before it is not known.
        """
        sources = self._step(origin).sources
        return self._graph.supposed.isdisjoint((*sources, *self._ancestors(sources)))

    def _has_before(self, node: str, name: str) -> bool:
        seen = {node}
        todo = [node]
        while todo:
            for number, _ in self._by_node.get(todo.pop(), ()):
                way = self._ways[number]
                if name in way.step.sources and not way.is_fallback:
                    return True
                todo.extend(source for source in way.step.sources if source not in seen)
                seen.update(way.step.sources)
        return False

    def handled_before(self, origin: EdgeDef | FailureDef) -> tuple[str, ...]:
        """The failed nodes that a fallback handles, or that were handled on the way to an edge."""
        step = self._step(origin)
        found = dict.fromkeys(step.sources if isinstance(origin, FailureDef) else ())
        nodes = (*step.sources, *self._ancestors(step.sources))
        for node in dict.fromkeys(nodes):
            for number, _ in self._by_node.get(node, ()):
                way = self._ways[number]
                if way.is_fallback:
                    found.update(dict.fromkeys(way.step.sources))
        return tuple(found)

    def may_lack(self, origin: EdgeDef | FailureDef, name: str, holds: bool) -> bool | None:
        """Whether an edge (with ``holds``: whose condition holds) may be reached without a run of a node before
        it.

        None where that is not known.
        """
        if not self.are_known:
            return None
        way = next(way for way in self._ways if way.step.origin is origin)
        lacks = self._table.possible & (self._values(way.condition) if holds else self._table.rows)
        without = self._without(name)
        for source in dict.fromkeys(way.step.sources):
            if source == name and not way.is_fallback:
                return False
            lacks &= without.get(source, 0)
        return bool(lacks)

    def _without(self, name: str) -> dict[str, int]:
        """Per node the rows in which it may run without a run of ``name`` before it."""
        lacks: dict[str, int] = {}
        fires = self._fires[0]
        changed = True
        while changed:
            changed = False
            for number, way in enumerate(self._ways):
                taken = fires[number]
                for source in dict.fromkeys(way.step.sources):
                    if source == name and not way.is_fallback:
                        taken = 0
                    taken &= self._table.rows if source in self._graph.supposed else lacks.get(source, 0)
                for node in way.step.destinations:
                    if taken & ~lacks.get(node, 0):
                        lacks[node] = lacks.get(node, 0) | taken
                        changed = True
        return lacks

    def may_mean_several(self, origin: EdgeDef | FailureDef, name: str) -> bool:
        """Whether several runs of a node may lie before an edge: two ways lead to it that come together."""
        step = self._step(origin)
        if (isinstance(origin, EdgeDef) and name in step.sources) or not self.may_run_again(name):
            return False
        seen: set[str] = set()
        todo = [step.sources]
        while todo:
            sources = dict.fromkeys(todo.pop())
            leading = [s for s in sources if s == name or self._has_before(s, name)]
            if len(leading) > 1:
                return True
            for node in leading:
                if node not in seen and node != name:
                    seen.add(node)
                    todo.extend(self._ways[number].step.sources for number, _ in self._by_node.get(node, ()))
        return False

    def _step(self, origin: EdgeDef | FailureDef) -> StartRule:
        return next(step for step in self._graph.steps if step.origin is origin)
