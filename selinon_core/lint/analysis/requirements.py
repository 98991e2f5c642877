"""What must have happened in a flow run in which a node was started, and whether such things exclude each other.

``Requirements`` of a node are found by going up from it. Where one step starts the node, that step was taken: the
condition of an edge held and its sources succeeded, or the nodes of a fallback failed. Where several steps start
it, one of their conditions held, and what they have in common has happened. That is collected for all ancestors;
leaving some of it out is never wrong, it only finds less.

Two requirements exclude each other when a node that runs at most once has to succeed and to fail, or when the
conditions cannot all hold. Conditions of different edges are compared where they certainly see the same data: the
arguments of the flow, or the result of a node that runs at most once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from selinon_core.config.model import ConditionDef, EdgeDef, FlowDef, LeafDef, TestDef
from selinon_core.lint.analysis.atoms import Atom, AtomMaker
from selinon_core.lint.analysis.facts import FlowGraph, StartRule
from selinon_core.lint.analysis.predicates import Predicates
from selinon_core.lint.analysis.verdict import (
    MOST_UNKNOWNS,
    Satisfiability,
    Stated,
    are_independent,
    may_hold_together,
    stated,
)

if TYPE_CHECKING:
    from selinon_core.expressions.names import NameUse

#: Ancestors that are considered, per node and per flow: real flows need fewer.
MOST_ANCESTORS = 300
MOST_IN_A_FLOW = 100_000


class Requirements(NamedTuple):
    """``clauses``: of each, one step's condition held. ``succeeded``, ``failed``: nodes that run at most once."""

    clauses: frozenset[tuple[StartRule, ...]]
    succeeded: frozenset[str]
    failed: frozenset[str]

    def with_(self, other: Requirements) -> Requirements:
        """Both together."""
        return Requirements(
            self.clauses | other.clauses, self.succeeded | other.succeeded, self.failed | other.failed
        )


NOTHING = Requirements(frozenset(), frozenset(), frozenset())


class Exclusions:
    """Which nodes of a flow exclude each other."""

    def __init__(self, flow: FlowDef, facts: FlowGraph, predicates: Predicates) -> None:
        self._facts = facts
        self._left = MOST_IN_A_FLOW
        self._leaves = _Leaves(flow, facts, predicates)
        self._started: dict[str, Requirements] = {}
        self._verdicts: dict[Requirements, bool] = {}

    def started(self, name: str) -> Requirements:
        """What must have happened for a node to be started."""
        if name not in self._started:
            # Those above first, the farthest of them at first: each then has to look one step up.
            for above in reversed(self._above(name)):
                if above not in self._started:
                    self._started[above] = self._of(above)
        return self._started[name]

    def _above(self, name: str) -> list[str]:
        """The node, and those that were started before it and are not known yet, the nearest first."""
        found = {name: None}
        todo = [name]
        while todo and len(found) <= MOST_ANCESTORS:
            common = self._common(self._facts.starters.get(todo.pop(0), ()))
            new = [above for above in sorted(common) if above not in found and above not in self._started]
            found.update(dict.fromkeys(new))
            todo += new
        return list(found)

    @staticmethod
    def _common(steps: Sequence[StartRule]) -> set[str]:
        """The nodes that all steps wait for; none where edges and fallbacks start the same."""
        edges = sum(isinstance(step.origin, EdgeDef) for step in steps)
        if not steps or 0 < edges < len(steps):
            return set()
        return set(steps[0].sources).intersection(*(step.sources for step in steps[1:]))

    def succeeded(self, name: str) -> Requirements:
        """What must have happened for a node to have succeeded."""
        return self.started(name).with_(NOTHING._replace(succeeded=self._once([name])))

    def failed(self, name: str) -> Requirements:
        """What must have happened for a node to have failed."""
        return self.started(name).with_(NOTHING._replace(failed=self._once([name])))

    def failing_pair(self, names: Sequence[str]) -> tuple[str, str] | None:
        """Two of some nodes, each of which may fail, that never fail in one run."""
        needs = {name: self.failed(name) for name in names}
        if not all(self.possible(need) for need in needs.values()):
            return None
        if not any(need.succeeded for need in needs.values()):
            # Then only the clauses count: of many nodes with the same ones, the first stands for all.
            firsts: dict[frozenset[tuple[StartRule, ...]], str] = {}
            for name, need in needs.items():
                firsts.setdefault(need.clauses, name)
            needs = {name: needs[name] for name in firsts.values()}
        pairs = combinations(needs, 2)
        return next((p for p in pairs if not self.possible(needs[p[0]].with_(needs[p[1]]))), None)

    def condition(self, step: StartRule) -> Requirements:
        """What the condition of a step adds."""
        return NOTHING._replace(
            clauses=frozenset({(step,)}) if step.verdict is Satisfiability.MAYBE else frozenset()
        )

    def possible(self, needed: Requirements) -> bool:
        """Return whether all of it may happen in one run; True also where that cannot be decided."""
        if needed not in self._verdicts:
            self._verdicts[needed] = needed.succeeded.isdisjoint(needed.failed) and self._conditions_may_hold(
                needed
            )
        return self._verdicts[needed]

    def _conditions_may_hold(self, needed: Requirements) -> bool:
        if len(needed.clauses) < 2 or self._are_independent:
            return True
        clauses: list[list[Stated]] = []
        atoms: set[Atom] = set()
        for steps in needed.clauses:
            conditions = [self._leaves.condition(step) for step in steps]
            clauses.append([condition for condition in conditions if condition is not None])
            atoms.update(atom for condition in clauses[-1] for atom in condition.signs)
            if len(atoms) > MOST_UNKNOWNS:
                return True  # too many to be decided
        return may_hold_together(clauses) is not False

    @cached_property
    def _are_independent(self) -> bool:
        """Whether no condition of the flow says anything of another one, even if all of them see the same data."""
        found = [stated for step in self._facts.steps if (stated := step.stated()) is not None]
        return are_independent([condition.signs for condition in found])

    def _once(self, names: Iterable[str]) -> frozenset[str]:
        return frozenset(name for name in names if self._facts.runs_once(name))

    def _of(self, name: str) -> Requirements:
        clauses: set[tuple[StartRule, ...]] = set()
        succeeded: set[str] = set()
        failed: set[str] = set()
        todo, seen = [name], {name}
        while todo and len(seen) <= MOST_ANCESTORS and self._left > 0:
            current = todo.pop(0)
            known = self._started.get(current)
            if known is not None and len(known.succeeded) + len(known.clauses) < MOST_ANCESTORS:
                clauses |= known.clauses
                succeeded |= known.succeeded
                failed |= known.failed
                continue
            self._left -= 1
            steps = self._facts.starters.get(current, ())
            if not steps:
                continue
            edges = [step for step in steps if isinstance(step.origin, EdgeDef)]
            if len(edges) == len(steps) and all(step.verdict is Satisfiability.MAYBE for step in steps):
                clauses.add(tuple(steps))
            common = self._common(steps)
            (succeeded if edges else failed).update(self._once(common))
            todo.extend(sorted(common - seen))
            seen |= common
        return Requirements(frozenset(clauses), frozenset(succeeded), frozenset(failed))


class _Leaves:
    """The conditions of steps, with unknowns that are equal in different edges too."""

    def __init__(self, flow: FlowDef, facts: FlowGraph, predicates: Predicates) -> None:
        self._changing_args = flow.node_args_from_first
        self._facts = facts
        self._predicates = predicates
        self._conditions: dict[int, Stated | None] = {}

    def condition(self, step: StartRule) -> Stated | None:
        """The condition of a step; None for a step without one."""
        if id(step) not in self._conditions:
            self._conditions[id(step)] = self._stated(step)
        return self._conditions[id(step)]

    def _stated(self, step: StartRule) -> Stated | None:
        if step.origin.condition is None:
            return None
        assert step.atoms is not None
        return stated(step.origin.condition, _AcrossEdges(step, step.atoms, self._scope))

    def _scope(self, step: StartRule, leaf: LeafDef | TestDef) -> object:
        """What else has to be equal for two leaves to see the same."""
        if isinstance(leaf, TestDef):
            return self._scope_of_test(step, leaf)
        name = leaf.name.name
        sources = step.sources
        looks_at = tuple(ref.name for ref in leaf.node) if leaf.node is not None else sources
        if self._predicates.is_shipped(name):
            if name.startswith("args"):
                return not sources if self._changing_args else None
            if self._predicates.takes_message(name):
                known = len(looks_at) == 1 or leaf.node is not None
                return None if known and self._facts.runs_once(looks_at[0]) else id(step)
        # Code of the project, or about the surroundings: the answers may change in time.
        if all(self._facts.runs_once(source) for source in sources):
            return frozenset(sources)
        return id(step)

    def _scope_of_test(self, step: StartRule, test: TestDef) -> object:
        assert step.atoms is not None
        uses = step.atoms.names_in(test)
        if any(use.kind == "failed" for use in uses):
            return id(step)
        if not all(self._facts.runs_once(use.name) for use in uses if use.kind == "node"):
            return id(step)
        changing = self._changing_args and any(use.kind == "args" for use in uses)
        return not step.sources if changing else None


class _AcrossEdges(AtomMaker):
    """Unknowns of one edge's condition that name the result they read."""

    def __init__(
        self, step: StartRule, made: AtomMaker, scope: Callable[[StartRule, LeafDef | TestDef], object]
    ) -> None:
        self._step = step
        self._made_by = made
        self._scope = scope

    def constant(self, leaf: LeafDef | TestDef) -> bool | None:
        return self._made_by.constant(leaf)

    def is_opposite(self, test: TestDef) -> bool:
        return self._made_by.is_opposite(test)

    def names_in(self, test: TestDef) -> tuple[NameUse, ...]:
        return self._made_by.names_in(test)

    def atom(self, condition: ConditionDef) -> Atom:
        atom = self._made_by.atom(condition)
        if not isinstance(condition, LeafDef | TestDef):
            return atom
        scope = self._scope(self._step, condition)
        subject = None if atom.subject is None else (scope, atom.subject)
        return Atom((scope, atom.key), subject, atom.test, atom.operand, atom.is_strict)
