"""The destinations of an edge in a selective run: left out, started, or an earlier run is reused."""

from __future__ import annotations

from typing import Any

from selinon_core.dispatch import effects as do
from selinon_core.dispatch.flow_index import EdgeIndex
from selinon_core.dispatch.node_run import NodeRun
from selinon_core.dispatch.rules.arguments import ask_args
from selinon_core.dispatch.rules.starts import start
from selinon_core.dispatch.state import RunState


def start_selected(
    flow_run: RunState,
    row: EdgeIndex,
    sources: tuple[NodeRun, ...],
    args: Any,
    given_item: bool,
    asked_args: Any,
    position: int | None = None,
) -> None:
    """Start the selected destinations of an edge, or ask whether an earlier run can be reused.

    ``asked_args`` is what selective run functions see: the item under any foreach, which is at ``position``.
    """
    current = flow_run.current
    assert current.selected_edges is not None
    assert flow_run.start.selective is not None
    tasks = flow_run.start.selective.tasks
    wanted = current.selected_edges[row.index]
    without_args = []
    for destination in row.destinations:
        name = destination.name
        if wanted and name not in wanted:
            current.edges_not_taken.add(row.index)
            parent = {source.name: source.id for source in sources}
            flow_run.note(
                "SELECTIVE_OMIT_NODE",
                {"edge": row.index, "omitted_node": name, "parent": parent, "node_args": current.args},
            )
        elif not destination.is_flow and name not in tasks:
            number = flow_run.questions.next_number()
            task_args = args if row.args is None else None
            about = (name, asked_args, task_args, given_item, tasks, position)
            flow_run.ask(do.AskReuse(number, row.edge, sources, *about))
        elif row.args is None:
            start(flow_run, destination, row, sources, args, given_item, position or 0)
        else:
            without_args.append(name)
    if without_args:
        ask_args_at(flow_run, row, sources, tuple(without_args), asked_args, position)


def ask_args_at(
    flow_run: RunState,
    row: EdgeIndex,
    sources: tuple[NodeRun, ...],
    destinations: tuple[str, ...],
    item: Any,
    position: int | None,
) -> None:
    """Ask for the arguments for one item of foreach; ``position`` None: there is no foreach and no item."""
    if position is None:
        ask_args(flow_run, row.edge, sources, destinations)
    else:
        ask_args(flow_run, row.edge, sources, destinations, [item], (position,))
