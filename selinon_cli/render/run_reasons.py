"""Why nodes of the flows that ran were never started, told from the report, the plan and the events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from selinon_core.condition_text import condition_text
from selinon_core.plan import EdgePlan, FlowPlan, Plan


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
    edges = {(edge["flow"], edge["index"]): edge for edge in report["edges"]}
    empty = _edges_without_items(events)
    for flow_name in flows:
        flow = plan.flows[flow_name]
        statuses = ran.get(flow_name, {})
        for node in _destinations(flow):
            if node in statuses:
                continue
            reasons = dict.fromkeys(
                _reason(edge, edges.get((flow_name, edge.index)), statuses, (flow_name, edge.index) in empty)
                for edge in flow.edges
                if node in edge.destinations
            )
            yield flow_name, node, "; ".join(reasons)


def _destinations(flow: FlowPlan) -> Iterable[str]:
    return dict.fromkeys(node for edge in flow.edges for node in edge.destinations)


def _reason(
    edge: EdgePlan, seen: Mapping[str, Any] | None, statuses: Mapping[str, Sequence[str]], no_items: bool
) -> str:
    where = f"({edge.place})"
    if seen is not None and seen["considered"]:
        if no_items:
            return f"its foreach yielded nothing {where}"
        if edge.condition is not None:
            return f"the condition was false: {condition_text(edge.condition)} {where}"
        return f"its edge did not fire {where}"
    missing = [name for name in edge.sources if name not in statuses]
    failed = [name for name in edge.sources if name in statuses and not _finished(statuses[name])]
    if failed:
        return f"{_listed(failed)} failed {where}"
    if missing:
        return f"{_listed(missing)} never ran {where}"
    if edge.sources:
        return f"{_listed(edge.sources)} never finished together {where}"
    return f"the starting edge was left out {where}"


def _finished(statuses: Sequence[str]) -> bool:
    return any(status in ("success", "reused") for status in statuses)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def _edges_without_items(events: Iterable[tuple[str, Mapping[str, Any]]]) -> set[tuple[str, int]]:
    """Edges whose foreach was asked and never gave an item, by flow and index."""
    items: dict[tuple[str, int], int] = {}
    for event, details in events:
        if event == "FOREACH_RESULT":
            key = (details["flow_name"], details["edge"])
            items[key] = items.get(key, 0) + details["count"]
    return {key for key, count in items.items() if not count}
