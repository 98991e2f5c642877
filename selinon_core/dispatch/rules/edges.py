"""From finished runs to the nodes behind them: rules 1 to 3 of the machine."""

from __future__ import annotations

from itertools import product

from selinon_core.dispatch import effects as do
from selinon_core.dispatch.flow_index import EdgeIndex
from selinon_core.dispatch.node_run import NodeRun
from selinon_core.dispatch.rules.arguments import ask_args
from selinon_core.dispatch.rules.completion import fail_at_once
from selinon_core.dispatch.rules.selection import start_selected
from selinon_core.dispatch.rules.starts import start
from selinon_core.dispatch.state import FlowAttempt, RunState


def begin_attempt(flow_run: RunState) -> None:
    """Begin the next attempt of the flow, with a clean state."""
    start, flow = flow_run.start, flow_run.table.flow
    subset = None if start.selective is None else start.selective.edges.get(flow.name)
    flow_run.attempt += 1
    flow_run.phase = "running"
    flow_run.current = FlowAttempt(
        start, subset, flow_run.count + 1, flow.node_args_from_first, dict(flow_run.fired)
    )
    if start.refused is None:
        consider_starting_edges(flow_run)
    else:
        fail_at_once(flow_run, start.refused)


def consider_starting_edges(flow_run: RunState) -> None:
    """Consider every starting edge (rule 1)."""
    for row in flow_run.table.starting:
        if _is_selected(flow_run, row):
            consider(flow_run, row, ())


def follow_edges(flow_run: RunState, node: NodeRun) -> None:
    """Consider the edges of a run that succeeded, then add it to the finished runs (rule 2)."""
    current = flow_run.current
    finished = current.finished
    name = node.name
    earlier = finished.get(name)
    for row in flow_run.table.out_edges.get(name, ()):
        if current.selected_edges is not None and not _is_selected(flow_run, row):
            continue
        if row.single:
            consider(flow_run, row, (node,))
            continue
        missing = current.pending_sources.get(row.index)
        if missing is None:
            missing = len(row.sources)
        if earlier is None:
            missing -= 1
            current.pending_sources[row.index] = missing
        if not missing:
            choices = [(node,) if source == name else finished[source] for source in row.sources]
            for combination in product(*choices):
                consider(flow_run, row, combination)
    if earlier is None:
        finished[name] = [node]
    else:
        earlier.append(node)


def _is_selected(flow_run: RunState, row: EdgeIndex) -> bool:
    subset = flow_run.current.selected_edges
    if subset is None or row.index in subset:
        return True
    flow_run.note("SELECTIVE_OMIT_EDGE", {"edge": row.index})
    return False


def consider(flow_run: RunState, row: EdgeIndex, sources: tuple[NodeRun, ...]) -> None:
    """Consider an edge for one combination (rule 3)."""
    index = row.index
    flow_run.considered[index] = flow_run.considered.get(index, 0) + 1
    if row.condition is None:
        fire(flow_run, row, sources)
    else:
        ask_condition(flow_run, row, sources)


def ask_condition(flow_run: RunState, row: EdgeIndex, sources: tuple[NodeRun, ...]) -> None:
    """Ask whether an edge fires for a combination."""
    flow_run.ask(do.AskCondition(flow_run.questions.next_number(), row.edge, sources, flow_run.current.args))


def fire(flow_run: RunState, row: EdgeIndex, sources: tuple[NodeRun, ...], *, again: bool = False) -> None:
    """Follow an edge whose condition holds. ``again``: it was already counted as fired for this combination."""
    if not again:
        index = row.index
        flow_run.fired[index] = flow_run.fired.get(index, 0) + 1
    current = flow_run.current
    args = current.args
    if row.asks:
        _ask_before_starts(flow_run, row, sources)
    elif current.selected_edges is None:
        for destination in row.destinations:
            start(flow_run, destination, row, sources, args, False)
    else:
        start_selected(flow_run, row, sources, args, False, args)


def _ask_before_starts(flow_run: RunState, row: EdgeIndex, sources: tuple[NodeRun, ...]) -> None:
    current = flow_run.current
    args = current.args
    if row.foreach is not None:
        is_selective = current.selected_edges is not None
        needs_items = row.foreach.propagate_result or row.args is not None or is_selective
        flow_run.ask(do.AskForeach(flow_run.questions.next_number(), row.edge, sources, args, needs_items))
    elif current.selected_edges is None:
        ask_args(flow_run, row.edge, sources, row.edge.destinations)
    else:
        start_selected(flow_run, row, sources, args, False, args)


def ask_first_result(flow_run: RunState, node: NodeRun) -> None:
    """The first node ended: its result becomes the flow's arguments before its edges are considered."""
    # Finished before the answer, which cannot change that; no other node has finished yet.
    flow_run.current.finished[node.name] = [node]
    flow_run.ask(do.AskFirstResult(flow_run.questions.next_number(), node))


def follow_first(flow_run: RunState, node: NodeRun) -> None:
    """Consider the edges of the first node now that the flow's arguments are known."""
    del flow_run.current.finished[node.name]
    follow_edges(flow_run, node)
