"""Starting node runs: what they are given."""

from __future__ import annotations

from typing import Any

from selinon_core.dispatch import effects as do
from selinon_core.dispatch.flow_index import Destination, EdgeIndex
from selinon_core.dispatch.node_run import NodeRun
from selinon_core.dispatch.rules.propagation import copied, merged_failures, parent_of, parent_of_sources
from selinon_core.dispatch.selective import SelectiveRun
from selinon_core.dispatch.state import RunState


def start(
    flow_run: RunState,
    destination: Destination,
    row: EdgeIndex,
    sources: tuple[NodeRun, ...],
    args: Any,
    its_own: bool,
    position: int = 0,
) -> None:
    """Start a destination of an edge; a sub-flow takes ``args`` that are ``its_own`` in any case."""
    if not destination.takes_args and not its_own:
        args = None
    failures = inherited_failures(flow_run, destination, sources) if flow_run.current.passes_failures else None
    node = new_node(flow_run, destination, row.index, sources, args, failures, position)
    if not destination.takes_parent:
        parent: dict[str, Any] = {}
    elif row.plain_parent:
        parent = {source.name: source.id for source in sources}
    elif sources:
        parent = parent_of_sources(flow_run.table.flow, sources)
    else:
        parent = copied(flow_run.start.parent)
    if flow_run.start.rerun is None:
        launch(flow_run, node, parent, row.selective)
    else:
        _ask_recorded(flow_run, node, row, parent)


def inherited_failures(
    flow_run: RunState, destination: Destination, sources: tuple[NodeRun, ...]
) -> dict[str, Any] | None:
    """The ``failures`` of a node behind these sources; of the flow itself for one that starts it."""
    if not destination.takes_failures:
        return None
    return merged_failures(sources) if sources else flow_run.start.failures


def new_node(
    flow_run: RunState,
    destination: Destination,
    edge: int | None,
    sources: tuple[NodeRun, ...],
    args: Any,
    failures: dict[str, Any] | None,
    position: int,
) -> NodeRun:
    """Count a node run and keep it among the incomplete ones."""
    flow_run.count = number = flow_run.count + 1
    name = destination.name
    node = NodeRun(
        number,
        flow_run.make_id(number),
        name,
        destination.is_flow,
        edge,
        sources,
        args,
        failures,
        flow_run.attempt,
        position,
    )
    if destination.waited_for:
        flow_run.current.active[number] = node
    else:
        flow_run.detached[number] = node
        flow_run.current.started_elsewhere.add(name)
    return node


def _ask_recorded(flow_run: RunState, node: NodeRun, row: EdgeIndex, parent: dict[str, Any]) -> None:
    """In a rerun: ask whether a recorded run stands in for a node, before it is started.

    Never for a fallback: a run that failed is not reused, and whether it fails again is not known.
    """
    _count_equals(flow_run, node, row)
    flow_run.ask(do.AskRecorded(flow_run.questions.next_number(), node, parent, row.selective))


def _count_equals(flow_run: RunState, node: NodeRun, row: EdgeIndex) -> None:
    """Tell apart the node runs of a destination that stands several times in its edge."""
    if row.edge.destinations.count(node.name) > 1:
        equals, origin = flow_run.current.equals, (row.index, node.name, node.position, node.sources)
        ordinal = equals.get(origin, 0)
        equals[origin] = ordinal + 1
        if ordinal:
            flow_run.ordinals[node.number] = ordinal


def launch(flow_run: RunState, node: NodeRun, parent: dict[str, Any], selective: SelectiveRun | None) -> None:
    """Add the effect that starts a node; ``selective`` is the selection that its edge gives sub-flows."""
    if not node.is_flow:
        flow_run.effects.append(do.StartTask(node, parent))
        return
    entered = flow_run.entered.get(node.number)
    flow_run.effects.append(do.StartFlow(node, parent, _selective_of(flow_run, node, selective), entered))


def launch_again(flow_run: RunState, node: NodeRun) -> do.StartTask | do.StartFlow:
    """The effect that started an incomplete node run."""
    parent = parent_of(flow_run.table.flow, node, flow_run.start.parent)
    if not node.is_flow:
        return do.StartTask(node, parent)
    if node.number in flow_run.launched_before:
        selective = flow_run.launched_before[node.number]
    else:
        selective = None if node.edge is None else flow_run.table.rows[node.edge].selective
    entered = flow_run.entered.get(node.number)
    return do.StartFlow(node, parent, _selective_of(flow_run, node, selective), entered)


def _selective_of(flow_run: RunState, node: NodeRun, of_edge: SelectiveRun | None) -> SelectiveRun | None:
    """The selection of a sub-flow: that of its edge, else that of the flow itself."""
    inherited = flow_run.start.selective
    if of_edge is None and inherited is not None and node.name in inherited.edges:
        return inherited
    return of_edge
