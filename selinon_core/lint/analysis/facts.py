"""What several rules want to know of one flow: what starts what, and what can start at all.

The unit is the *step*: something that, once all of its sources have run, starts its destinations. Edges are steps
(their sources have to succeed), and so are entries of ``failures`` (theirs have to fail). A node can start when
some step that starts it has only sources that can start: the least fixpoint, so nodes that only wait for one
another are not in it. Conditions count as possibly true here, failures as possible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from selinon_core.config.model import EdgeDef, FailureDef, FlowDef, NameRef
from selinon_core.diagnostics.wording import did_you_mean
from selinon_core.lint.analysis.atoms import AtomMaker
from selinon_core.lint.analysis.predicates import Predicates
from selinon_core.lint.analysis.verdict import Satisfiability, Stated, stated, verdict
from selinon_core.plan.components import cyclic

#: With more unknown names than this in a flow, any of them may mean any node.
MOST_MISSPELT = 50


class StartRule:
    """An edge or an entry of ``failures``, by names; ``origin`` is the definition.

    ``verdict`` is about its condition alone. ``guarded``: it may start nothing although its sources have
    run: a condition that may be false, a foreach that may yield nothing, a failure that may not happen.
    """

    __slots__ = ("_stated", "atoms", "destinations", "guarded", "origin", "sources", "verdict")

    def __init__(
        self,
        origin: EdgeDef | FailureDef,
        sources: tuple[str, ...],
        destinations: tuple[str, ...],
        guarded: bool,
        predicates: Predicates,
    ) -> None:
        self.origin = origin
        self.sources = sources
        self.destinations = destinations
        #: Of its condition; None without one.
        self.atoms: AtomMaker | None = None
        self.verdict = Satisfiability.ALWAYS
        if origin.condition is not None:
            self.atoms = AtomMaker(predicates, sources if isinstance(origin, EdgeDef) else ())
            self.verdict = verdict(origin.condition, self.atoms)
        self.guarded = guarded or self.verdict is not Satisfiability.ALWAYS
        self._stated: Stated | None = None

    def stated(self) -> Stated | None:
        """The condition as a formula over the unknowns of ``atoms``; None without one."""
        if self._stated is None and self.origin.condition is not None and self.atoms is not None:
            self._stated = stated(self.origin.condition, self.atoms)
        return self._stated


class FlowGraph:
    """The steps of a flow and what follows from them.

    ``reliable`` is False when a part that may start nodes could not be read: nothing can be said then about what
    does *not* start.
    """

    def __init__(self, flow: FlowDef, is_known: Callable[[str], bool], predicates: Predicates) -> None:
        self.flow = flow
        self._is_known = is_known
        self.reliable = not (flow.edges_broken or flow.failures_broken)
        self.has_start = flow.edges_broken
        self._once: dict[str, bool] = {}
        self.edges: list[StartRule] = []
        self.fallbacks: list[StartRule] = []
        for edge in flow.edges:
            if edge.sources is None or not edge.sources:
                self.has_start = True
            if edge.destinations is None:
                self.reliable = False
            guarded = edge.foreach is not None or edge.selective is not None
            names = (_names(edge.sources), _names(edge.destinations))
            self.edges.append(StartRule(edge, *names, guarded, predicates))
        for failure in flow.failures:
            if failure.fallback is None:
                self.reliable = False
            names = (_names(failure.nodes), _names(failure.fallback))
            self.fallbacks.append(StartRule(failure, *names, True, predicates))

    @property
    def steps(self) -> list[StartRule]:
        """Edges and fallbacks."""
        return self.edges + self.fallbacks

    @cached_property
    def starters(self) -> Mapping[str, list[StartRule]]:
        """Node -> the steps that start it."""
        found: dict[str, list[StartRule]] = {}
        for step in self.steps:
            for name in dict.fromkeys(step.destinations):
                found.setdefault(name, []).append(step)
        return found

    @cached_property
    def waited_for(self) -> Mapping[str, list[StartRule]]:
        """Node -> the edges it is a source of."""
        found: dict[str, list[StartRule]] = {}
        for step in self.edges:
            for name in dict.fromkeys(step.sources):
                found.setdefault(name, []).append(step)
        return found

    @cached_property
    def never_started(self) -> frozenset[str]:
        """Known nodes that something waits for and nothing starts. Empty when that cannot be decided."""
        if not self.reliable or not self.has_start:
            return frozenset()
        return frozenset(
            name
            for step in self.steps
            for name in step.sources
            if not self.may_start(name) and self._is_known(name)
        )

    def may_start(self, name: str) -> bool:
        """Return whether something starts a node, or may: a part that cannot be read, or a misspelt name."""
        if name in self.starters or not self.reliable:
            return True
        unknown = self._unknown_started
        if not unknown or len(unknown) > MOST_MISSPELT:
            return bool(unknown)
        letters = set(name)
        alike = [other for other in unknown if abs(len(other) - len(name)) < 3 and len(letters ^ set(other)) < 4]
        return bool(alike) and did_you_mean(name, alike) is not None

    @cached_property
    def _unknown_started(self) -> tuple[str, ...]:
        return tuple(name for name in self.starters if not self._is_known(name))

    @cached_property
    def startable(self) -> frozenset[str]:
        """The nodes that can start, supposing that unknown nodes and ``never_started`` ones do."""
        return self._reached(self.steps)

    @cached_property
    def dead(self) -> frozenset[str]:
        """The nodes that only wait for one another. Empty when that cannot be decided."""
        if not self.reliable or not self.has_start:
            return frozenset()
        return frozenset(self.starters).difference(self.startable)

    @cached_property
    def live(self) -> frozenset[str]:
        """The nodes that can start when edges whose condition never holds are left out."""
        if all(step.verdict is not Satisfiability.NEVER for step in self.steps):
            return self.startable
        return self._reached([step for step in self.steps if step.verdict is not Satisfiability.NEVER])

    def _reached(self, steps: Iterable[StartRule]) -> frozenset[str]:
        return reached(steps, self.supposed)

    @cached_property
    def supposed(self) -> frozenset[str]:
        """The nodes that something waits for and nothing starts: reported elsewhere, and supposed to start."""
        return frozenset(name for step in self.steps for name in step.sources if name not in self.starters)

    @cached_property
    def _loops(self) -> tuple[frozenset[str], Mapping[str, int]]:
        graph: dict[str, dict[str, None]] = {}
        for step in self.edges:
            for source in step.sources:
                graph.setdefault(source, {}).update(dict.fromkeys(step.destinations))
        number = {name: i for i, members in enumerate(cyclic(graph)) for name in members}
        return frozenset(number), number

    @property
    def cyclic_nodes(self) -> frozenset[str]:
        """The nodes on cycles of edges."""
        return self._loops[0]

    def runs_once(self, name: str) -> bool:
        """Return whether a node certainly has at most one run in a flow run."""
        todo = [name]
        while todo:
            current = todo[-1]
            if current in self._once:
                todo.pop()
                continue
            steps = self.starters.get(current, ())
            if (
                current in self.cyclic_nodes
                or len(steps) != 1
                or not isinstance(origin := steps[0].origin, EdgeDef)
                or steps[0].destinations.count(current) != 1
                or origin.foreach is not None
            ):
                self._once[current] = False
                continue
            sources = steps[0].sources
            unknown = [source for source in sources if source not in self._once]
            if unknown:
                todo.extend(unknown)
            else:
                self._once[current] = all(self._once[source] for source in sources)
        return self._once[name]

    def on_one_cycle(self, source: str, destination: str) -> bool:
        """Return whether an edge between two nodes is part of a cycle."""
        number = self._loops[1]
        return source in number and number[source] == number.get(destination)


def reached(steps: Iterable[StartRule], supposed: Iterable[str], without: str | None = None) -> frozenset[str]:
    """The nodes that can start: those ``supposed`` and, again and again, the destinations of every step all of
    whose sources can. ``without`` is a node whose success is left out: edges that wait for it never fire.
    """
    missing: dict[int, int] = {}
    waiting: dict[str, list[StartRule]] = {}
    todo = list(supposed)
    for step in steps:
        sources = dict.fromkeys(step.sources)
        if without in sources and isinstance(step.origin, EdgeDef):
            continue
        missing[id(step)] = len(sources)
        for name in sources:
            waiting.setdefault(name, []).append(step)
        if not sources:
            todo.extend(step.destinations)
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        for step in waiting.get(name, ()):
            missing[id(step)] -= 1
            if not missing[id(step)]:
                todo.extend(step.destinations)
    return frozenset(seen)


def _names(refs: tuple[NameRef, ...] | None) -> tuple[str, ...]:
    return tuple([ref.name for ref in refs or ()])
