"""The goals of a flow: everything it can do that at least one test should have seen.

Goals belong to a flow and an index in it, never to a place: anchors and merge keys put one line into many flows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from selinon_core.diagnostics.location import Place
from selinon_core.plan import Condition, EdgePlan, FailurePlan, FlowPlan, Plan
from selinon_core.plan.condition_text import condition_text, constant_truth
from selinon_core.plan.functions import leaves_of
from selinon_core.plan.text_wrap import ends_text, nodes_text, printable

_TEXT_LIMIT = 60


class GoalKind(NamedTuple):
    """``meaning``: when a goal of the kind is covered. ``needs``: the option that counts it, "" for always."""

    meaning: str
    needs: str = ""


#: The option that counts goals of MC/DC, and the one that counts failures that no goal of a fallback shows.
MCDC, FAILURES = "mcdc", "failures"

#: Every kind in the order of reports. ``cover-KIND`` is the name that an ignore comment uses.
KINDS: dict[str, GoalKind] = {
    "node-ran": GoalKind("A run of the node was started; reused results are counted apart."),
    "edge-fired": GoalKind("The edge was followed."),
    "edge-no": GoalKind("The condition of the edge was false."),
    "atom-true": GoalKind("The predicate was evaluated, and true; conditions of two or more predicates."),
    "atom-false": GoalKind("The predicate was evaluated, and false; conditions of two or more predicates."),
    "atom-decides": GoalKind(
        "Two evaluations differ in the predicate and in the outcome; all others are equal or not evaluated.", MCDC
    ),
    "foreach-none": GoalKind("The function gave no item."),
    "foreach-one": GoalKind("The function gave one item."),
    "foreach-many": GoalKind("The function gave two or more items."),
    "fallback-used": GoalKind("The failures entry handled a failure."),
    "fallback-true": GoalKind("The condition of the failures entry was true."),
    "fallback-false": GoalKind("The condition of the failures entry was false."),
    "retry-helped": GoalKind("A task or flow with `max_retry` succeeded after a failed attempt."),
    "retry-gave-up": GoalKind("A task or flow failed with all its retries used up."),
    "timeout": GoalKind("An attempt of a task, or a flow run, took longer than its `timeout`."),
    "eager-failure": GoalKind("A failure of the node ended the flow at once (`eager_failures`).", FAILURES),
    "nowait-failure": GoalKind("A node that the flow does not wait for failed.", FAILURES),
    "subflow-failure": GoalKind("A sub-flow that a failures entry names failed.", FAILURES),
}


class Goal(NamedTuple):
    """One thing to be seen. ``id`` is ``FLOW/ELEMENT/WHAT``, as in ``order/edge:2/no``.

    ``element`` is ``edge:N`` or ``failure:N`` (an index in the flow), ``node:NAME`` or ``flow``. ``key`` is the id
    without the flow. ``place`` is what has to change for the goal to change. ``impossible`` says why the goal
    cannot be covered where the plan alone shows it, else None.
    """

    id: str
    flow: str
    element: str
    key: str
    kind: str
    place: Place
    text: str
    atom: int | None = None
    impossible: str | None = None

    @property
    def suppression(self) -> str:
        """The name that silences the goal in a comment: ``cover-edge-no``."""
        return f"cover-{self.kind}"

    def is_counted(self, counted: frozenset[str] = frozenset()) -> bool:
        """Whether the goal is part of a percentage; ``counted`` has ``MCDC`` or ``FAILURES`` if asked for."""
        needs = KINDS[self.kind].needs
        return not needs or needs in counted


def goals_of(plan: Plan, flow: str) -> tuple[Goal, ...]:
    """All goals of a flow, those that are counted on request only included, in the order of nodes and indexes."""
    return tuple(_Goals(plan, plan.flows[flow]).all())


def edge_text(edge: EdgePlan) -> str:
    """An edge the way case files name it: ``[A, B] -> C``; a starting edge is ``(start) -> C``."""
    text = printable(ends_text(edge.sources, edge.destinations))
    return f"{text} ({printable(edge.name)})" if edge.name else text


def failure_text(entry: FailurePlan) -> str:
    """A failures entry the way case files name it: ``A -> B``; without a fallback node ``A -> true``."""
    return printable(f"{nodes_text(entry.nodes)} -> {nodes_text(entry.fallback) or 'true'}")


def started_at(flow: FlowPlan) -> dict[str, Place]:
    """The nodes of a flow, each with the edge or failures entry that starts it first."""
    places: dict[str, Place] = {}
    for edge in flow.edges:
        for name in edge.destinations:
            places.setdefault(name, edge.place)
    for entry in flow.failures:
        for name in entry.fallback:
            places.setdefault(name, entry.place)
    return places


class _Goals:
    def __init__(self, plan: Plan, flow: FlowPlan) -> None:
        self._plan = plan
        self._flow = flow

    def all(self) -> Iterator[Goal]:
        nodes = started_at(self._flow)
        for name, place in nodes.items():
            yield self._goal(f"node:{name}", "ran", "node-ran", place, f"{printable(name)} ran")
        for edge in self._flow.edges:
            yield from self._edge(edge)
        for entry in self._flow.failures:
            yield from self._failure(entry)
        for name in nodes:
            yield from self._node(name, nodes[name])
        yield from self._whole()

    def _goal(
        self,
        element: str,
        what: str,
        kind: str,
        place: Place,
        text: str,
        atom: int | None = None,
        impossible: str | None = None,
    ) -> Goal:
        key = f"{element}/{what}"
        return Goal(f"{self._flow.name}/{key}", self._flow.name, element, key, kind, place, text, atom, impossible)

    def _edge(self, edge: EdgePlan) -> Iterator[Goal]:
        element, text = f"edge:{edge.index}", edge_text(edge)
        truth = constant_truth(edge.condition) if edge.condition is not None else None
        never = "its condition is never true" if truth is False else None
        yield self._goal(element, "fired", "edge-fired", edge.place, f"{text} fired", impossible=never)
        if edge.condition is not None:
            always = "its condition is never false" if truth is True else None
            yield self._goal(element, "no", "edge-no", edge.place, f"{text} said no", impossible=always)
            yield from self._atoms(element, edge.condition, edge.sources, text)
        if edge.foreach is not None:
            for size, items in (("none", "no item"), ("one", "one item"), ("many", "several items")):
                what = f"foreach-{size}"
                yield self._goal(element, what, what, edge.place, f"foreach of {text}: {items}", impossible=never)

    def _failure(self, entry: FailurePlan) -> Iterator[Goal]:
        element, text = f"failure:{entry.index}", failure_text(entry)
        truth = constant_truth(entry.condition) if entry.condition is not None else None
        never = "its condition is never true" if truth is False else None
        yield self._goal(element, "used", "fallback-used", entry.place, f"fallback {text} used", impossible=never)
        if entry.condition is not None:
            always = "its condition is never false" if truth is True else None
            for what, why in (("true", never), ("false", always)):
                shown = f"condition of fallback {text} {what}"
                yield self._goal(element, what, f"fallback-{what}", entry.place, shown, impossible=why)
            yield from self._atoms(element, entry.condition, (), f"fallback {text}")

    def _atoms(self, element: str, condition: Condition, sources: tuple[str, ...], text: str) -> Iterator[Goal]:
        leaves = tuple(leaves_of(condition))
        if len(leaves) < 2:
            return
        for number, leaf in enumerate(leaves):
            shown = f"{condition_text(leaf, sources, limit=_TEXT_LIMIT)} of {text}"
            truth = constant_truth(leaf)
            for what, value in (("true", True), ("false", False)):
                why = f"the predicate is never {what}" if truth is (not value) else None
                yield self._goal(
                    element, f"atom:{number}/{what}", f"atom-{what}", leaf.place, f"{shown}: {what}", number, why
                )
            why = "the predicate has one value only" if truth is not None else None
            yield self._goal(
                element, f"atom:{number}/decides", "atom-decides", leaf.place, f"{shown}: decides", number, why
            )

    def _node(self, name: str, place: Place) -> Iterator[Goal]:
        element, shown, flow = f"node:{name}", printable(name), self._flow
        task = self._plan.tasks.get(name)
        if task is not None and task.max_retry > 0:
            yield self._goal(element, "retry-helped", "retry-helped", task.place, f"a retry of {shown} helped")
            yield self._goal(
                element, "retry-gave-up", "retry-gave-up", task.place, f"{shown} failed after its last retry"
            )
        if task is not None and (task.timeout if task.wait is None else task.wait.timeout) is not None:
            yield self._goal(element, "timeout", "timeout", task.place, f"{shown} timed out")
        if name in flow.eager_failures:
            yield self._goal(
                element, "eager-failure", "eager-failure", place, f"{shown} failed and ended the flow at once"
            )
        if name in flow.nowait:
            yield self._goal(element, "nowait-failure", "nowait-failure", place, f"{shown} failed, not waited for")
        if name in self._plan.flows and any(name in entry.nodes for entry in flow.failures):
            yield self._goal(element, "subflow-failure", "subflow-failure", place, f"sub-flow {shown} failed")

    def _whole(self) -> Iterator[Goal]:
        flow = self._flow
        shown = f"flow {printable(flow.name)}"
        if flow.max_retry > 0:
            yield self._goal("flow", "retry-helped", "retry-helped", flow.place, f"a retry of {shown} helped")
            yield self._goal(
                "flow", "retry-gave-up", "retry-gave-up", flow.place, f"{shown} failed after its last retry"
            )
        if flow.timeout is not None:
            yield self._goal("flow", "timeout", "timeout", flow.place, f"{shown} timed out")
