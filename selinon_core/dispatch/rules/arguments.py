"""Node runs with arguments of their own: the ``args`` of an edge or a failures entry are asked for first.

A node run whose arguments cannot be worked out is counted like any other and fails at once, without being started.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from selinon_core.dispatch import effects as do
from selinon_core.dispatch.flow_index import EdgeIndex
from selinon_core.dispatch.node_run import NodeRun
from selinon_core.dispatch.references import args_of
from selinon_core.dispatch.rules.completion import nodes_failed
from selinon_core.dispatch.rules.starts import inherited_failures, launch_again, new_node, start
from selinon_core.dispatch.state import RunState
from selinon_core.plan import EdgePlan, FailurePlan


def ask_args(
    flow_run: RunState,
    entry: EdgePlan | FailurePlan,
    sources: tuple[NodeRun, ...],
    destinations: tuple[str, ...],
    items: Sequence[Any] | None = None,
    positions: Sequence[int] | None = None,
) -> None:
    """Ask for the arguments of the destinations; ``positions`` None: ``items`` are all items of foreach."""
    if positions is None:
        positions = range(1 if items is None else len(items))
    number = flow_run.questions.next_number()
    args = flow_run.current.args
    flow_run.ask(do.AskArgs(number, entry, sources, args, items, positions, destinations))


def start_given(flow_run: RunState, row: EdgeIndex, question: do.AskArgs, given: Sequence[Sequence[Any]]) -> None:
    """Start the destinations of an edge with the arguments that were worked out, for every item."""
    refused = []
    for at, (position, each) in enumerate(zip(question.positions, given, strict=True)):
        item = () if question.items is None else (question.items[at],)
        for name in question.destinations:
            destination = flow_run.table.destinations[name]
            reason = reason_of(each, name)
            if reason is None:
                start(flow_run, destination, row, question.sources, args_of(each, name), True, position)
                continue
            failures = None
            if flow_run.current.passes_failures:
                failures = inherited_failures(flow_run, destination, question.sources)
            node = new_node(flow_run, destination, row.index, question.sources, None, failures, position)
            refused.append(refuse(flow_run, node, reason, item))
    nodes_failed(flow_run, refused)


def ask_args_again(flow_run: RunState, node: NodeRun) -> None:
    """Ask once more for the arguments of a node run that failed for want of them.

    It has failed as before when a migration took away what gives it arguments.
    """
    flow, args = flow_run.table.flow, flow_run.current.args
    entry: EdgePlan | FailurePlan | None = None
    if node.edge is None:
        entry = next((each for each in flow.failures if each.index == node.position), None)
        gone = entry is None or node.name not in entry.fallback
    else:
        entry = flow.edges[node.edge] if node.edge >= 0 else None
        gone = entry is None or node.name not in entry.destinations
    if entry is None or gone or entry.args is None:
        flow_run.current.unhandled.setdefault(node.name, []).append(node)
        return
    items = node.refused_item or None
    number = flow_run.questions.next_number()
    flow_run.ask(do.AskArgs(number, entry, node.sources, args, items, (node.position,), (node.name,), node))


def start_refused(flow_run: RunState, node: NodeRun, given: Sequence[Any]) -> None:
    """Start a node run that failed for want of arguments with those that it has now, or let it fail again."""
    reason = reason_of(given, node.name)
    if reason is not None:
        nodes_failed(flow_run, [refuse(flow_run, node, reason, node.refused_item)])
        return
    node.refused, node.status, node.args = None, "active", args_of(given, node.name)
    if flow_run.table.destinations[node.name].waited_for:
        flow_run.current.active[node.number] = node
    else:
        flow_run.detached[node.number] = node
    flow_run.effects.append(launch_again(flow_run, node))


def reason_of(given: Sequence[Any], name: str) -> str | None:
    """Why a destination is not started with what was given, None if it is; see ``events.ArgsAnswered``."""
    reason: str | None = given[1] if given[0] else given[2].get(name) if len(given) > 2 else None
    return reason


def refuse(flow_run: RunState, node: NodeRun, reason: str, item: tuple[Any, ...] = ()) -> NodeRun:
    """End a new node run as a failure; the caller hands the refused runs to ``nodes_failed``."""
    node.status = "failure"
    node.refused, node.refused_item = reason, item
    flow_run.effects.append(do.FailNode(node))
    return node
