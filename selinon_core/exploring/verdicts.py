"""Judges one flow from its exploration: what always, never or sometimes happens in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from selinon_core.cases.references import edge_text, fallback_text
from selinon_core.diagnostics.location import Place
from selinon_core.exploring.exploration import Choices, Exploration
from selinon_core.exploring.failure_table import is_unhandled, unhandled_nodes
from selinon_core.exploring.goals import Goal
from selinon_core.exploring.model import FlowModel
from selinon_core.exploring.properties import FailureRow, Property, Severity, Verdict
from selinon_core.exploring.summaries import Summaries
from selinon_core.exploring.witness import replay
from selinon_core.plan.condition_text import condition_text, constant_truth

_REACHABLE = ("node", "edge_fired", "edge_no", "fallback_used")


class Judge:
    """Answers what is asked of one flow.

    ``all_failures`` explores a flow with any number of failures, ``growth_of`` says how often a join is considered
    with more and more visits; both are asked only where the answer matters.
    """

    def __init__(
        self,
        model: FlowModel,
        summaries: Summaries,
        exploration: Exploration,
        rows: tuple[FailureRow, ...],
        all_failures: Callable[[str], Exploration],
        growth_of: Callable[[str, int], tuple[int, ...]],
    ) -> None:
        self._model = model
        self._summaries = summaries
        self._flow = model.flow
        self._found = exploration
        self._rows = rows
        self._all_failures = all_failures
        self._growth_of = growth_of

    def properties(self) -> Iterator[Property]:
        """All verdicts, in the order in which people read them."""
        yield self._ends()
        yield from self._reachable()
        yield from self._starving()
        yield from self._unhandled()
        yield from self._silent()
        yield from self._counts()
        yield from self._order()
        yield from self._invariants()

    def _ends(self) -> Property:
        found = self._found
        for name, choices in found.blocked.items():
            if not any(end.succeeded for end in found.ends):
                return self._about_ends("never", f"never: {name} never ends", choices)
        for nodes, choices in found.states.endless():
            who = " and ".join(nodes) or "the flow"
            begun = "has begun" if len(nodes) == 1 else "have begun"
            text = f"never, once {who} {begun}: nothing but a failure leads out"
            return self._about_ends("never", text, choices)
        most = _times(found.most_node_runs, "node run")
        if found.is_sampled or found.cuts & {"visits", "node_runs", "rounds"}:
            return self._about_ends("not within bounds", f"in all runs that were tried, in at most {most}")
        if found.states.has_lasso:
            loops = [edge for edge in self._flow.edges if edge.condition is not None and self._is_loop(edge.index)]
            as_long = " or ".join(_edge_with_condition(self._model, edge.index) for edge in loops)
            text = f"may go on as long as {as_long or 'its cycles'} {'holds' if len(loops) == 1 else 'hold'}"
            return self._about_ends("can happen", text)
        return self._about_ends("always", f"always, in at most {most}")

    def _about_ends(self, verdict: Verdict, text: str, choices: Choices | None = None) -> Property:
        severity = "error" if verdict == "never" else "information"
        return Property("ends", self._flow.name, self._flow.place, verdict, severity, text, choices)  # type: ignore[arg-type]

    def _is_loop(self, index: int) -> bool:
        edge, cyclic = self._flow.edges[index], self._model.cyclic
        return bool(cyclic & set(edge.sources)) and bool(cyclic & set(edge.destinations))

    # -- what can be reached ------------------------------------------------------------------------------------

    def _reachable(self) -> Iterator[Property]:
        said: set[str] = set()
        for goal in sorted(self._found.goals, key=lambda goal: goal.kind == "node"):
            if goal.kind not in _REACHABLE or self._is_constant(goal) or self._is_said(goal, said):
                continue
            found = self._of_goal(goal)
            if found.verdict != "can happen":
                said.update(self._destinations(goal))
            yield found

    def _is_said(self, goal: Goal, said: set[str]) -> bool:
        """Whether a node is not reached because of edges and fallbacks that were named already.

        Likewise an edge that never fires does not say no either.
        """
        if self._found.is_reached(goal):
            return False
        if goal.kind == "edge_no":
            fired = Goal("edge_fired", goal.subject)
            return not self._found.is_reached(fired)
        return goal.kind == "node" and goal.subject in said

    def _destinations(self, goal: Goal) -> tuple[str, ...]:
        if goal.kind == "edge_fired":
            return self._flow.edges[int(goal.subject)].destinations
        return self._flow.failures[int(goal.subject)].fallback if goal.kind == "fallback_used" else ()

    def _is_constant(self, goal: Goal) -> bool:
        """Whether an edge is written to be followed always: ``alwaysTrue`` is not reported."""
        return goal.kind == "edge_no" and constant_truth(self._flow.edges[int(goal.subject)].condition) is True

    def _of_goal(self, goal: Goal) -> Property:
        subject, place, words = self._words(goal)
        choices = self._found.witness_of(goal)
        if self._found.is_reached(goal):
            return Property("reachable", subject, place, "can happen", "information", words[0], choices, goal=goal)
        if self.is_never(goal):
            return Property("reachable", subject, place, "never", "error", words[1], goal=goal)
        text = f"{words[1]} in the runs that were tried"
        return Property("reachable", subject, place, "not within bounds", "information", text, goal=goal)

    def is_never(self, goal: Goal) -> bool:
        """Whether every run was tried, and none reaches a goal."""
        found = self._found
        if found.is_reached(goal) or not found.is_complete or "visits" in found.cuts:
            return False
        if "failures" not in found.cuts:
            return True
        wider = self._all_failures(self._flow.name)
        return wider.is_complete and "visits" not in wider.cuts and not wider.is_reached(goal)

    def _words(self, goal: Goal) -> tuple[str, Place, tuple[str, str]]:
        flow = self._flow
        if goal.kind == "node":
            return f"node {goal.subject}", flow.place, ("can run", "never runs")
        if goal.kind == "fallback_used":
            entry = flow.failures[int(goal.subject)]
            return f"fallback {fallback_text(entry)}", entry.place, ("can be used", "is never used")
        edge = flow.edges[int(goal.subject)]
        words = ("can fire", "never fires") if goal.kind == "edge_fired" else ("can say no", "never says no")
        return f"edge {edge_text(edge)}", edge.place, words

    # -- what goes wrong without a failure ----------------------------------------------------------------------

    def _starving(self) -> Iterator[Property]:
        for index, choices in self._found.starved.items():
            edge = self._flow.edges[index]
            play, _ = replay(self._summaries, self._found.context, choices)
            finished = play.machine.current.finished
            came = [name for name in edge.sources if name in finished]
            missing = [
                f"{name} never came ({self._why_not(play.counts, name)})"
                for name in edge.sources
                if name not in finished
            ]
            text = f"{' and '.join(came)} finished, {' and '.join(missing)}"
            subject = f"edge {edge_text(edge)}"
            yield Property("join-starves", subject, edge.place, "can happen", "warning", text, choices)

    def _why_not(self, counts: dict[str, int], name: str) -> str:
        if name in counts:
            return "it had not ended"
        leading = [edge for edge in self._flow.edges if name in edge.destinations]
        if not leading:
            return "only fallbacks start it"
        asked = [edge for edge in leading if all(source in counts for source in edge.sources)]
        said_no = [edge_text(edge) for edge in asked if edge.condition is not None]
        if said_no:
            return " and ".join(f"{edge} said no" for edge in said_no)
        waiting = dict.fromkeys(source for edge in leading for source in edge.sources if source not in counts)
        return f"{' and '.join(waiting)} never came" if waiting else "its edge yielded nothing"

    def _silent(self) -> Iterator[Property]:
        for name, choices in self._found.silent.items():
            edges = [edge for edge in self._flow.edges if name in edge.sources and edge.condition is not None]
            label = self._label(choices, name)
            text = f"no edge fires after {name}{f' ({label})' if label else ''}, and the flow succeeds"
            yield Property("silent-end", f"node {name}", edges[0].place, "can happen", "warning", text, choices)

    def _label(self, choices: Choices, name: str) -> str:
        """The world of a node after which nothing happened."""
        worlds = self._model.worlds.get(name)
        if worlds is None:
            return ""
        play, _ = replay(self._summaries, self._found.context, choices)
        for node in play.started:
            if node.name == name and node.number in play.refused_sources - play.fired_sources:
                mask = play.env.masks.get((name, play.visits[node.number]), worlds.all)
                return worlds.label((mask & -mask).bit_length() - 1)
        return ""

    # -- failures, counts, orders, invariants -------------------------------------------------------------------

    def _unhandled(self) -> Iterator[Property]:
        """Failures of nodes that entries name, of the smallest sets, without an entry that handles them."""
        named = {name for entry in self._flow.failures for name in entry.nodes}
        said: list[set[str]] = []
        for row in self._rows:
            failing = set(row.failing)
            if not is_unhandled(row) or any(known <= failing for known in said):
                continue
            (key,) = (key for key, choices in self._found.outcomes.items() if choices == row.choices)
            alone = [name for name in unhandled_nodes(key) if name in named]
            if not alone:
                continue
            said.append(failing)
            place = next(entry.place for entry in self._flow.failures if set(entry.nodes) & set(alone))
            fail = "fails" if len(failing) == 1 else "fail"
            text = f"when {' and '.join(row.failing)} {fail}, no entry handles {' and '.join(alone)}"
            subject = f"failure of {', '.join(row.failing)}"
            yield Property("unhandled", subject, place, "can happen", "warning", text, row.choices)

    def _counts(self) -> Iterator[Property]:
        if not self._found.states.has_lasso and "visits" not in self._found.cuts:
            return
        for edge in self._model.joins:
            if not self._model.cyclic & set(edge.sources):
                continue
            growth = self._growth_of(self._flow.name, edge.index)
            if len(growth) > 1 and growth[-1] > len(growth) * max(growth[0], 1):
                rounds = ", ".join(str(visit) for visit in range(1, len(growth) + 1))
                counts = ", ".join(map(str, growth))
                text = f"with {rounds} rounds it is considered {counts} times: once for every combination"
                subject = f"edge {edge_text(edge)}"
                yield Property("join-growth", subject, edge.place, "can happen", "warning", text)
        for name in sorted(self._model.cyclic & self._found.most.keys()):
            text = "unbounded: it can come again"
            yield Property("counts", f"node {name}", self._flow.place, "can happen", "information", text)

    def _order(self) -> Iterator[Property]:
        flow, found = self._flow, self._found
        if found.eager_orders is not None:
            one, two = found.eager_orders
            text = "which nodes have run when an eager failure ends the flow depends on the order"
            yield Property("order", flow.name, flow.place, "can happen", "information", text, one, two)
        if found.reads_order is not None:
            text = "a flow above reads the last result of a task, and which one is the last depends on the order"
            yield Property("order", flow.name, flow.place, "can happen", "information", text, found.reads_order)

    def _invariants(self) -> Iterator[Property]:
        found = self._found
        for invariant in found.invariants:
            place = invariant.place or self._flow.place
            if invariant.name in found.broken_invariants:
                text, choices = found.broken_invariants[invariant.name]
                yield Property("invariant", invariant.name, place, "can happen", "error", text, choices)
                continue
            is_bounded = not found.is_complete or found.cuts & {"visits", "failures"} or found.states.has_lasso
            verdict: Verdict = "not within bounds" if is_bounded else "always"
            where = "every run" if verdict == "always" else "all runs that were tried"
            if invariant.name in found.exercised_invariants:
                text = f"holds in {where}"
                yield Property("invariant", invariant.name, place, verdict, "information", text)
            else:
                never = (
                    "nothing that it begins with happens" if invariant.kind == "before" else "its if never holds"
                )
                severity: Severity = "warning" if verdict == "always" else "information"
                text = f"says nothing: {never} in {where}"
                yield Property("invariant", invariant.name, place, verdict, severity, text)


def _edge_with_condition(model: FlowModel, index: int) -> str:
    edge = model.flow.edges[index]
    return f"{edge_text(edge)} ({condition_text(edge.condition, edge.sources)})"


def _times(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
