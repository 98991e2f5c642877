"""The programs of one flow, and the ends of its sub-flows: everything a run looks up."""

from __future__ import annotations

from typing import Any, Protocol

from selinon_core.dispatch.node_run import FlowOutcome, NodeRun
from selinon_core.dispatch.selective import SelectiveRun
from selinon_core.exploring.conditions import Program, program_of
from selinon_core.exploring.goals import Goal
from selinon_core.exploring.model import FlowModel
from selinon_core.exploring.observation import Context, Observation
from selinon_core.plan import Template
from selinon_core.plan.expression_uses import template_data

#: A vector of the truths of a condition's leaves: ``edge`` or ``fallback``, its index, the truths.
Vector = tuple[str, int, tuple[bool | None, ...]]


class Subflows(Protocol):
    """What is known of sub-flows; see ``summaries.Summaries``."""

    can_block: bool

    def ends_of(self, context: Context) -> list[tuple[Observation, int]]:
        """How a flow can end, with the failures that it costs."""
        ...

    def context_of(self, model: FlowModel, node: NodeRun, inherited: SelectiveRun | None) -> Context:
        """How a sub-flow is run."""
        ...

    def run_inside(self, above: Any, node: NodeRun) -> tuple[Any, Observation]:
        """Run a sub-flow with the choices of ``above``, the run that starts it."""
        ...


class FlowPrograms:
    """What runs of one flow share. ``is_cut_by_failures``: some node run did not fail because of the limit.

    ``with_outcomes``: sub-flows get outcomes, so that what is propagated from them can be compared. ``vectors``
    have a bit each, as goals have.
    """

    def __init__(self, model: FlowModel, summaries: Subflows, with_outcomes: bool = False) -> None:
        self.model = model
        self.summaries = summaries
        self.with_outcomes = with_outcomes
        self.is_cut_by_failures = False
        self.has_states = bool(model.cyclic) or summaries.can_block
        self.edges: dict[int, Program] = {
            edge.index: program_of(model, edge.condition)
            for edge in model.flow.edges
            if edge.condition is not None
        }
        self.no_bits = {index: model.bits[Goal("edge_no", index)] for index in self.edges}
        self.fallbacks: dict[int, Program] = {
            entry.index: program_of(model, entry.condition, is_fallback=True)
            for entry in model.flow.failures
            if entry.condition is not None
        }
        self.vectors: dict[int, Vector] = {}
        self._atom_bits: dict[Any, int] = {}
        self._written: dict[int, tuple[str, ...]] = {}

    def atom_bits(self, index: int, kinds: tuple[Any, Any], truths: tuple[bool | None, ...]) -> int:
        """The bits of what one evaluation of a condition reached."""
        key = (kinds[0], index, truths)
        known = self._atom_bits.get(key)
        if known is None:
            known = 0
            for leaf, truth in enumerate(truths):
                if truth is not None:
                    known |= self.model.bits[Goal(kinds[0] if truth else kinds[1], index, leaf)]
            bit = 1 << (len(self.model.goals.goals) + len(self.vectors))
            self.vectors[bit] = ("edge" if kinds[0] == "atom_true" else "fallback", index, truths)
            known |= bit
            self._atom_bits[key] = known
        return known

    def written(self, template: Template | None) -> tuple[str, ...]:
        """What tells templates of two versions apart, where outcomes are compared; nothing where they are not."""
        if not self.with_outcomes:
            return ()
        known = self._written.get(id(template))
        if known is None:
            known = self._written[id(template)] = (repr(template_data(template)),)
        return known

    def ends_of(self, node: NodeRun, inherited: SelectiveRun | None) -> list[tuple[Observation, int]]:
        """How a sub-flow can end, with the failures that it costs."""
        return self.summaries.ends_of(self.summaries.context_of(self.model, node, inherited))

    def outcome_of(self, node: NodeRun, seen: Observation) -> FlowOutcome | None:
        """The outcome that a sub-flow's end hands to the machine; None where nothing reads it."""
        if not self.with_outcomes:
            return None
        ids = {"*": [f"{node.id}*"]}
        return FlowOutcome(seen.succeeded, ids, {} if seen.succeeded else {"!": [f"{node.id}!"]}, [], {})


def selection_of(model: FlowModel, node: NodeRun, inherited: SelectiveRun | None) -> SelectiveRun | None:
    """The selection that a sub-flow is started with, as the machine gives it."""
    of_edge = None if node.edge is None else model.table.rows[node.edge].selective
    if of_edge is None and inherited is not None and node.name in inherited.edges:
        return inherited
    return of_edge
