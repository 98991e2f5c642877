"""What a flow may start: its nodes, and the flows that are below it."""

from __future__ import annotations

from collections.abc import Iterator

from selinon_core.plan.model import FlowPlan, Plan


def nodes_of(flow: FlowPlan) -> dict[str, None]:
    """The names of a flow's nodes, in the order in which edges and then fallbacks name them as started."""
    groups = (*(edge.destinations for edge in flow.edges), *(entry.fallback for entry in flow.failures))
    return dict.fromkeys(node for group in groups for node in group)


def flows_below(plan: Plan, flow: str) -> Iterator[str]:
    """The flow and those that it may start, breadth first; nothing for one that does not exist."""
    todo = [flow] if flow in plan.flows else []
    found = set(todo)
    for name in todo:
        yield name
        for node in nodes_of(plan.flows[name]):
            if node in plan.flows and node not in found:
                found.add(node)
                todo.append(node)
