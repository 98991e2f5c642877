"""From finished runs to what is behind them: rules 1 to 3 of the machine."""

from __future__ import annotations

from itertools import product

from selinon_core.dispatch import effects as do
from selinon_core.dispatch.flow_index import EdgeIndex
from selinon_core.dispatch.node_run import NodeRun
from selinon_core.dispatch.rules.starts import start, start_selected
from selinon_core.dispatch.state import RunState


def consider_starting_edges(run: RunState) -> None:
    """Begin an attempt (rule 1)."""
    for row in run.table.starting:
        if _is_selected(run, row):
            consider(run, row, ())


def follow_edges(run: RunState, node: NodeRun) -> None:
    """Look at the edges of a run that succeeded, then let it join the finished ones (rule 2)."""
    current = run.current
    finished = current.finished
    name = node.name
    earlier = finished.get(name)
    for row in run.table.out_edges.get(name, ()):
        if current.selected_edges is not None and not _is_selected(run, row):
            continue
        if row.single:
            consider(run, row, (node,))
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
                consider(run, row, combination)
    if earlier is None:
        finished[name] = [node]
    else:
        earlier.append(node)


def _is_selected(run: RunState, row: EdgeIndex) -> bool:
    subset = run.current.selected_edges
    if subset is None or row.index in subset:
        return True
    run.note("SELECTIVE_OMIT_EDGE", {"edge": row.index})
    return False


def consider(run: RunState, row: EdgeIndex, sources: tuple[NodeRun, ...]) -> None:
    """Look at an edge for one combination (rule 3)."""
    index = row.index
    run.considered[index] = run.considered.get(index, 0) + 1
    if row.condition is None:
        fire(run, row, sources)
    else:
        ask_condition(run, row, sources)


def ask_condition(run: RunState, row: EdgeIndex, sources: tuple[NodeRun, ...]) -> None:
    """Ask whether an edge fires for a combination."""
    run.ask(do.AskCondition(run.questions.next_number(), row.edge, sources, run.current.args))


def fire(run: RunState, row: EdgeIndex, sources: tuple[NodeRun, ...], *, again: bool = False) -> None:
    """Follow an edge whose condition holds. ``again``: it fired for this combination and was counted."""
    if not again:
        index = row.index
        run.fired[index] = run.fired.get(index, 0) + 1
    current = run.current
    args = current.args
    if row.foreach is not None:
        needs_items = row.foreach.propagate_result or current.selected_edges is not None
        run.ask(do.AskForeach(run.questions.next_number(), row.edge, sources, args, needs_items))
    elif current.selected_edges is None:
        for destination in row.destinations:
            start(run, destination, row, sources, args, False)
    else:
        start_selected(run, row, sources, args, False, args)


def ask_arguments(run: RunState, node: NodeRun) -> None:
    """The first node ended, and its result becomes the flow's arguments before its edges are looked at."""
    run.current.finished[node.name] = [node]  # it is, whatever comes of the question; nothing else can be yet
    run.ask(do.AskArguments(run.questions.next_number(), node))


def follow_first(run: RunState, node: NodeRun) -> None:
    """Look at the edges of the first node now that the flow's arguments are known."""
    del run.current.finished[node.name]
    follow_edges(run, node)
