"""Open questions of a flow run that follows another definition from here on: asked again as they are written now.

The fallback step and the end of the flow ask theirs again by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

from selinon_core.dispatch import effects as do
from selinon_core.dispatch.flow_index import EdgeIndex
from selinon_core.dispatch.node_run import NodeRun
from selinon_core.dispatch.rules import edges
from selinon_core.dispatch.rules.arguments import ask_args, ask_args_again
from selinon_core.dispatch.rules.fallbacks import start_fallbacks
from selinon_core.dispatch.rules.starts import start
from selinon_core.dispatch.state import RunState
from selinon_core.plan import FailurePlan
from selinon_core.plan.flow_diff import MigrationStep, follow

_OfEdge = do.AskCondition | do.AskForeach | do.AskReuse | do.AskArgs


def ask_again(flow_run: RunState, steps: tuple[MigrationStep, ...], questions: tuple[do.Question, ...]) -> None:
    """Ask the questions about remaining edges and failures entries again; ``steps`` say which edges remain."""
    first: NodeRun | None = None
    of_fallbacks: list[tuple[FailurePlan, tuple[NodeRun, ...]]] = []
    for question in questions:
        if isinstance(question, do.AskFirstResult):
            if flow_run.current.awaits_args:
                edges.ask_first_result(flow_run, question.node_run)
            else:
                first = question.node_run
        elif isinstance(question, do.AskRecorded):
            about = (question.node_run, question.parent, question.selective)
            flow_run.ask(do.AskRecorded(flow_run.questions.next_number(), *about))
        elif isinstance(question, do.AskArgs) and question.refused is not None:
            move_refused(question.refused, steps)
            ask_args_again(flow_run, question.refused)
        elif isinstance(question, do.AskArgs) and isinstance(question.entry, FailurePlan):
            of_fallbacks.append((question.entry, question.sources))
        elif not isinstance(question, (do.AskFallbackCondition, do.AskOutput)):
            entry = question.entry if isinstance(question, do.AskArgs) else question.edge
            index = follow(steps, entry.index)
            if index is not None and (
                flow_run.current.selected_edges is None or index in flow_run.current.selected_edges
            ):
                _ask_about(flow_run, flow_run.table.rows[index], question)
    if first is not None:
        edges.follow_first(flow_run, first)
    _ask_about_fallbacks(flow_run, of_fallbacks)


def move_refused(node: NodeRun, steps: tuple[MigrationStep, ...]) -> None:
    """Let a node run that lacks arguments refer to its edge by the new index; -1: there is no such edge now."""
    if node.edge is not None and node.edge >= 0:
        index = follow(steps, node.edge)
        node.edge = -1 if index is None else index


def _ask_about(flow_run: RunState, row: EdgeIndex, question: _OfEdge) -> None:
    if isinstance(question, do.AskCondition):
        if row.condition is None:
            edges.fire(flow_run, row, question.sources)
        else:
            edges.ask_condition(flow_run, row, question.sources)
    elif isinstance(question, do.AskForeach):
        edges.fire(flow_run, row, question.sources, again=True)
    elif isinstance(question, do.AskArgs):
        _ask_for_args(flow_run, row, question)
    else:
        tasks = flow_run.start.selective.tasks if flow_run.start.selective is not None else ()
        flow_run.ask(
            do.AskReuse(
                flow_run.questions.next_number(),
                row.edge,
                question.sources,
                question.name,
                question.args,
                question.task_args,
                question.given_item,
                tasks,
                question.position,
            )
        )


def _ask_for_args(flow_run: RunState, row: EdgeIndex, question: do.AskArgs) -> None:
    """Ask for the arguments for the same items, or start the nodes with what they get without ``args``."""
    current = flow_run.current
    names = row.edge.destinations if current.selected_edges is None else question.destinations
    if row.args is not None:
        ask_args(flow_run, row.edge, question.sources, names, question.items, question.positions)
        return
    passes_items = row.foreach is not None and row.foreach.propagate_result
    items = question.items if passes_items else None
    for at, position in enumerate(question.positions):
        args = current.args if items is None else items[at]
        for name in names:
            destination = flow_run.table.destinations[name]
            start(flow_run, destination, row, question.sources, args, items is not None, position)


def _ask_about_fallbacks(flow_run: RunState, questions: Sequence[tuple[FailurePlan, tuple[NodeRun, ...]]]) -> None:
    """Ask again by the entries with the same nodes and fallbacks. Failed runs without one are unhandled again."""
    gone: dict[tuple[NodeRun, ...], None] = {}
    for was, handled in questions:
        same = (was.nodes, was.fallback)
        entry = next((e for e in flow_run.table.flow.failures if (e.nodes, e.fallback) == same), None)
        if entry is None:
            gone[handled] = None
        elif entry.args is not None:
            ask_args(flow_run, entry, handled, entry.fallback)
        else:
            start_fallbacks(flow_run, entry, handled)
    for handled in reversed(gone):
        if not _is_handled(flow_run, handled):
            _give_back(flow_run, handled)


def _is_handled(flow_run: RunState, handled: tuple[NodeRun, ...]) -> bool:
    """Whether another entry has taken these failed runs, too."""
    current = flow_run.current
    started = [*current.active.values(), *flow_run.detached.values()]
    for runs in (*current.finished.values(), *current.unhandled.values()):
        started += runs
    taken = [node.sources for node in started if node.edge is None]
    taken += [asked.sources for asked in flow_run.questions.open.values() if isinstance(asked, do.AskArgs)]
    return handled in taken


def _give_back(flow_run: RunState, handled: tuple[NodeRun, ...]) -> None:
    current = flow_run.current
    for node in handled:
        current.unhandled.setdefault(node.name, []).insert(0, node)
        if node in current.handled_for_failure:
            current.handled_for_failure.remove(node)
