"""Why no edge started a node of a flow that ran: one reason for each edge that leads to the node."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from selinon_core.diagnostics.wording import listed
from selinon_core.plan import EdgePlan, FlowPlan
from selinon_core.plan.condition_text import condition_text
from selinon_core.runtime.conditions import explain
from selinon_core.runtime.facts import EdgeConsidered, Facts

#: Every ``Reason.reason``. The first that holds is the reason of an edge.
REASONS = (
    "foreach_yielded_nothing",
    "condition_false",
    "left_out",  # by the selective run
    "ended_before_decided",
    "source_failed",
    "source_did_not_finish",
    "source_never_ran",
    "sources_never_together",
    "ended_before_considered",
)


class Reason(NamedTuple):
    """Why an edge did not start a node.

    ``text`` is half a sentence for people, ``where`` the place of the edge and ``edge`` its index in its flow.
    ``condition`` is the tree of a false condition, in which every leaf has the ``value`` of the last time.
    """

    reason: str
    text: str
    where: str
    edge: int
    condition: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """The reason as JSON."""
        return self._asdict()


class NotStarted(NamedTuple):
    """A node that no edge started in any run of ``flow``, with one reason for each edge that leads to it."""

    flow: str
    node: str
    because: tuple[Reason, ...]

    def to_json(self) -> dict[str, Any]:
        """The node and its reasons as JSON."""
        return {"flow": self.flow, "node": self.node, "because": [reason.to_json() for reason in self.because]}


def not_started(facts: Facts) -> Iterator[NotStarted]:
    """Every node of a flow that ran which no edge started, flow by flow, in the order of the edges.

    Nodes that only fallbacks start are left out: not to need them is the normal case.
    """
    ran: dict[str, dict[str, list[str]]] = {}
    for record in facts.nodes:
        ran.setdefault(record.flow_run.flow.name, {}).setdefault(record.run.name, []).append(record.run.status)
    names = (record.run.name for record in facts.nodes if record.run.is_flow)
    found = _Decisions(facts)
    for flow_name in dict.fromkeys([facts.root.flow.name, *names]):
        flow = facts.plan.flows[flow_name]
        statuses = ran.get(flow_name, {})
        for node in _destinations(flow):
            if node not in statuses:
                leading = (edge for edge in flow.edges if node in edge.destinations)
                yield NotStarted(
                    flow_name, node, tuple(found.reason(flow_name, e, node, statuses) for e in leading)
                )


def _destinations(flow: FlowPlan) -> Iterable[str]:
    return dict.fromkeys(node for edge in flow.edges for node in edge.destinations)


class _Decisions:
    """What was decided about edges that did not start a node."""

    def __init__(self, facts: Facts) -> None:
        self._considered = facts.considered()
        self._left_out = facts.left_out
        self._false: dict[tuple[str, int], EdgeConsidered] = {}
        self._items: dict[tuple[str, int], int] = {}
        for fact in facts.edges:
            key = (fact.flow_run.flow.name, fact.edge.index)
            if fact.condition is False:
                self._false[key] = fact
            if fact.items is not None:
                self._items[key] = self._items.get(key, 0) + fact.items

    def reason(self, flow: str, edge: EdgePlan, node: str, statuses: Mapping[str, Sequence[str]]) -> Reason:
        """Why an edge did not start ``node``; ``statuses`` are those of the runs in the flow, by name."""
        key = (flow, edge.index)
        if self._items.get(key) == 0:
            return _reason(edge, "foreach_yielded_nothing", "its foreach yielded nothing")
        if key in self._false and edge.condition is not None:
            tree = explain(edge.condition, self._false[key].leaves, self._false[key].seen)
            return _reason(
                edge, "condition_false", f"the condition was false: {condition_text(edge.condition)}", tree
            )
        if (*key, None) in self._left_out or (*key, node) in self._left_out:
            return _reason(edge, "left_out", "the selective run leaves it out")
        if self._considered.get(key):
            return _reason(edge, "ended_before_decided", "its flow ended before the edge was decided")
        return _of_sources(edge, statuses)


def _of_sources(edge: EdgePlan, statuses: Mapping[str, Sequence[str]]) -> Reason:
    """Why an edge was never considered."""
    unfinished = [name for name in edge.sources if name in statuses and not _finished(statuses[name])]
    failed = [name for name in unfinished if "failure" in statuses[name]]
    missing = [name for name in edge.sources if name not in statuses]
    if failed:
        return _reason(edge, "source_failed", f"{listed(failed)} failed")
    if unfinished:
        return _reason(edge, "source_did_not_finish", f"{listed(unfinished)} did not finish")
    if missing:
        return _reason(edge, "source_never_ran", f"{listed(missing)} never ran")
    if len(edge.sources) > 1:
        return _reason(edge, "sources_never_together", f"{listed(edge.sources)} never finished together")
    return _reason(edge, "ended_before_considered", "its flow ended before the edge was considered")


def _reason(edge: EdgePlan, reason: str, text: str, condition: dict[str, Any] | None = None) -> Reason:
    return Reason(reason, text, str(edge.place), edge.index, condition)


def _finished(statuses: Sequence[str]) -> bool:
    return any(status in ("success", "reused") for status in statuses)
