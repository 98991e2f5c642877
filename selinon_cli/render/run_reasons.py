"""Why nodes of the flows that ran were never started, found from the report, the plan and the events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from selinon_core.plan import EdgePlan, FlowPlan, Plan
from selinon_core.plan.condition_text import condition_text


def never_reached(
    plan: Plan, report: Mapping[str, Any], events: Iterable[tuple[str, Mapping[str, Any]]]
) -> Iterator[tuple[str, str, str]]:
    """Yield ``(flow, node, reason)`` for every node of a flow that ran which no edge started.

    ``events`` are names and details of trace events. Nodes that only fallbacks start are left out unless the
    run calls them unreached: not to need them is the normal case.
    """
    ran: dict[str, dict[str, list[str]]] = {}
    for node in report["nodes"]:
        ran.setdefault(node["flow"], {}).setdefault(node["name"], []).append(node["status"])
    flows = dict.fromkeys([report["flow"], *(node["name"] for node in report["nodes"] if node["kind"] == "flow")])
    considered = {(edge["flow"], edge["index"]) for edge in report["edges"] if edge["considered"]}
    verdicts = _Verdicts(events)
    for flow_name in flows:
        flow = plan.flows[flow_name]
        statuses = ran.get(flow_name, {})
        for node in _destinations(flow):
            if node in statuses:
                continue
            reasons = dict.fromkeys(
                verdicts.of(flow_name, edge, node)
                or _undecided(edge, (flow_name, edge.index) in considered, statuses)
                for edge in flow.edges
                if node in edge.destinations
            )
            yield flow_name, node, "; ".join(reasons)


def _destinations(flow: FlowPlan) -> Iterable[str]:
    return dict.fromkeys(node for edge in flow.edges for node in edge.destinations)


class _Verdicts:
    """What the events say of edges that did not start a node."""

    def __init__(self, events: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        self._false: set[tuple[str, int]] = set()
        self._omitted: set[tuple[str, int, str | None]] = set()
        self._items: dict[tuple[str, int], int] = {}
        for event, details in events:
            if event == "EDGE_COND_FALSE":
                self._false.add((details["flow_name"], details["edge"]))
            elif event == "FOREACH_RESULT":
                key = (details["flow_name"], details["edge"])
                self._items[key] = self._items.get(key, 0) + details["count"]
            elif event in ("SELECTIVE_OMIT_EDGE", "SELECTIVE_OMIT_NODE"):
                self._omitted.add((details["flow_name"], details["edge"], details.get("omitted_node")))

    def of(self, flow: str, edge: EdgePlan, node: str) -> str | None:
        """Why an edge did not start ``node``, None where that was never decided."""
        key, where = (flow, edge.index), f"({edge.place})"
        if self._items.get(key) == 0:
            return f"its foreach yielded nothing {where}"
        if key in self._false:
            return f"the condition was false: {condition_text(edge.condition)} {where}"
        if (*key, None) in self._omitted or (*key, node) in self._omitted:
            return f"the selective run leaves it out {where}"
        return None


def _undecided(edge: EdgePlan, considered: bool, statuses: Mapping[str, Sequence[str]]) -> str:
    """Why nothing was ever decided about an edge."""
    where = f"({edge.place})"
    unfinished = [name for name in edge.sources if name in statuses and not _finished(statuses[name])]
    failed = [name for name in unfinished if "failure" in statuses[name]]
    missing = [name for name in edge.sources if name not in statuses]
    if considered:
        return f"its flow ended before the edge was decided {where}"
    if failed:
        return f"{_listed(failed)} failed {where}"
    if unfinished:
        return f"{_listed(unfinished)} did not finish {where}"
    if missing:
        return f"{_listed(missing)} never ran {where}"
    if len(edge.sources) > 1:
        return f"{_listed(edge.sources)} never finished together {where}"
    return f"its flow ended before the edge was considered {where}"


def _finished(statuses: Sequence[str]) -> bool:
    return any(status in ("success", "reused") for status in statuses)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
