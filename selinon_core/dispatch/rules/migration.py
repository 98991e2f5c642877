"""Moving a flow run in flight from one definition to another: what ``events.Migrated`` does to a machine.

Rules
-----
1. *Nothing that runs is lost.* Active node runs stay active, even if the edge that started them is gone.
2. *Counts move with their edge*; counts of removed edges are dropped.
3. *A new edge* is considered for every combination with at least one run that finishes from now on. This needs no
   record of what happened before: a combination is considered when its last member finishes. A combination whose
   members have all finished is therefore never considered again, and every other combination is.
4. *New starting edges* are considered when an attempt begins, so in this attempt never.
5. *Open questions* are asked again by the new definition: a removed edge asks nothing, an edge that lost its
   condition fires, an edge that lost its foreach starts its destinations once, an edge that lost its args starts
   them with what they get without. Answers to the old questions change nothing. What was answered stays answered:
   the items of a foreach, and the arguments of every node run that was started.
6. *Taint.* Every step of the chain is judged on the run as the steps before it left it. A step taints the run if
   it removes an edge that fired in this attempt, or adds an edge all of whose sources have finished. The strongest
   strategy of the steps that taint wins. RETRY starts the run again like a retry that is not counted; FAIL ends it
   without a retry. Node runs that are active then are neither stopped nor waited for.
7. *Without a migration* (``forgotten``) the policy ``on_graph_change`` takes the place of a strategy, and RETRY
   and FAIL need no taint.
8. A run that waits for its next attempt is not tainted: it has done nothing yet in that attempt.

Nodes behind edges that the run has missed (3 and 4) count as explained when ``unreached`` searches the run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from selinon_core.dispatch import events as on
from selinon_core.dispatch.flow_index import FlowIndex
from selinon_core.dispatch.replay_definition import ReplayDefinition
from selinon_core.dispatch.rules import completion
from selinon_core.dispatch.rules.questions_again import ask_again, move_refused
from selinon_core.dispatch.selective import SelectiveRun, edges_leading_to
from selinon_core.dispatch.state import FlowAttempt, RunState
from selinon_core.errors import UnexpectedEvent
from selinon_core.plan import FlowPlan
from selinon_core.plan.flow_diff import MigrationStep, follow, strongest


class TaintedBy(NamedTuple):
    """Why a step tainted a run: ``edge`` (its index before the migration) or ``nodes`` (the sources of a new
    edge)."""

    version: int
    strategy: str
    edge: int | None
    nodes: tuple[str, ...]


def tainted_by(flow_run: RunState, steps: tuple[MigrationStep, ...]) -> tuple[TaintedBy, ...]:
    """Everything that would taint a run now; the run is not changed."""
    return (
        taints(steps, flow_run.fired_in_attempt(), flow_run.current.finished)
        if flow_run.phase == "running"
        else ()
    )


def taints(
    steps: Iterable[MigrationStep], fired: Iterable[int], finished: Collection[str]
) -> tuple[TaintedBy, ...]:
    """Everything in these steps that taints a run; ``fired`` are edges by their indexes before the steps."""
    where = {index: index for index in fired}
    found = []
    for step in steps:
        taint = step.change.taint(where.keys(), finished)
        found += [TaintedBy(step.version, step.strategy, where[index], ()) for index in taint.edges]
        found += [
            TaintedBy(step.version, step.strategy, None, step.change.tainting_nodes[index])
            for index in taint.missed
        ]
        moved = {step.change.moved(index): old for index, old in where.items()}
        where = {index: old for index, old in moved.items() if index is not None}
    return tuple(found)


def migrate(flow_run: RunState, event: on.Migrated, definition: ReplayDefinition) -> None:
    """Move a run to another definition; raises ``UnexpectedEvent`` before the start and if steps do not fit."""
    if flow_run.phase == "new":
        raise UnexpectedEvent("the flow run was not started yet")
    if flow_run.phase == "ended":
        return
    was = flow_run.table
    if any((follow(event.steps, row.index) or 0) >= len(definition.table.rows) for row in was.rows):
        raise UnexpectedEvent(f"the migration does not lead to flow {was.flow.name} as it is")
    running = flow_run.phase == "running"
    taints = tainted_by(flow_run, event.steps)
    strategy = strongest([taint.strategy for taint in taints])
    if event.forgotten is not None and running and event.forgotten != "IGNORE":
        strategy = event.forgotten
    _trace_migration(flow_run, event, was, taints, strategy)
    open_questions = flow_run.questions.drop()
    _move(flow_run, event.steps, definition)
    if not running:
        return
    if strategy == "FAIL":
        completion.fail_at_once(flow_run, _reason(event, "fail"))
    elif strategy == "RETRY":
        completion.start_again(flow_run, _reason(event, "be run again"))
    else:
        _mark_missed_edges(flow_run, event.steps, was)
        ask_again(flow_run, event.steps, open_questions)


def _reason(event: on.Migrated, what: str) -> str:
    if event.forgotten is not None:
        return f"its graph changed without a migration, and such runs {what}"
    return f"migration {event.version} taints it, and tainted runs {what}"


def _trace_migration(
    flow_run: RunState, event: on.Migrated, was: FlowIndex, taints: tuple[TaintedBy, ...], strategy: str | None
) -> None:
    if not event.steps and event.forgotten is None:
        return  # the graph is the same
    for taint in taints:
        details: dict[str, Any] = {
            "migration_version": taint.version,
            "latest_migration_version": event.version,
            "tainted_flow_strategy": taint.strategy,
            "tainting_nodes": list(taint.nodes) or None,
            "tainted_edge": None,
        }
        if taint.edge is not None:
            edge = was.rows[taint.edge].edge
            details["tainted_edge"] = {"from": list(edge.sources), "to": list(edge.destinations)}
        flow_run.note("MIGRATION_TAINTED_FLOW", details)
    flow_run.note(
        "MIGRATION",
        {
            "old_migration_version": event.before,
            "new_migration_version": event.version,
            "tainted": bool(taints),
            "tainted_flow_strategy": strategy,
            "without_migration": event.forgotten is not None,
        },
    )


def _move(flow_run: RunState, steps: tuple[MigrationStep, ...], definition: ReplayDefinition) -> None:
    """Convert everything that refers to edges by index, and derive again what follows from the flow index."""
    table, current = definition.table, flow_run.current
    failed = [node for nodes in current.unhandled.values() for node in nodes]
    for node in (*current.active.values(), *flow_run.detached.values(), *failed):
        if node.is_flow and node.edge is not None and node.number not in flow_run.launched_before:
            flow_run.launched_before[node.number] = flow_run.table.rows[node.edge].selective
    for node in failed:
        if node.refused is not None:
            move_refused(node, steps)
    flow_run.considered = _moved(flow_run.considered, steps)
    flow_run.fired = _moved(flow_run.fired, steps)
    current.fired_before = _moved(current.fired_before, steps)
    current.edges_not_taken = set(_moved(dict.fromkeys(current.edges_not_taken, 1), steps))
    current.fallback_answers = {}
    start = flow_run.start
    if start.selective is not None:
        selective = moved_selection(start.selective, steps, flow_run.table.flow, table)
        flow_run.start = on.FlowStarted(start.args, start.parent, start.failures, selective, rerun=start.rerun)
        current.selected_edges = selective.edges.get(table.flow.name)
    flow_run.table = table
    flow_run.on_unreached = definition.on_unreached
    current.pending_sources = _missing(current, table)
    current.awaits_args = current.awaits_args and table.flow.node_args_from_first


def _missing(current: FlowAttempt, table: FlowIndex) -> dict[int, int]:
    """The pending sources of all joins. The first node does not count as finished while its result is read."""
    unread = current.first_number if current.awaits_args else 0
    missing = {}
    for row in table.rows:
        if len(row.sources) > 1:
            finished = (current.finished.get(name, ()) for name in row.sources)
            known = sum(1 for nodes in finished if any(node.number != unread for node in nodes))
            if known:
                missing[row.index] = len(row.sources) - known
    return missing


def _moved(counts: dict[int, int], steps: tuple[MigrationStep, ...]) -> dict[int, int]:
    moved: dict[int, int] = {}
    for index, count in counts.items():
        new = follow(steps, index)
        if new is not None:
            moved[new] = moved.get(new, 0) + count
    return moved


def moved_selection(
    selective: SelectiveRun, steps: tuple[MigrationStep, ...], was: FlowPlan, table: FlowIndex
) -> SelectiveRun:
    """A selective run by the new definition: its edges, and new edges on a path to a selected task."""
    name = table.flow.name
    rows = selective.edges.get(name)
    if rows is None:
        return selective
    wanted = set(selective.tasks)
    wanted |= {to for names in rows.values() for to in names if to in selective.edges}
    moved = {new: to for old, to in rows.items() if (new := follow(steps, old)) is not None}
    leading = edges_leading_to(table.flow, sorted(wanted))
    for index in _new_edges(steps, was, table):
        if index in leading:
            moved[index] = leading[index]
    return SelectiveRun(selective.tasks, {**selective.edges, name: dict(sorted(moved.items()))})


def _new_edges(steps: tuple[MigrationStep, ...], was: FlowPlan, table: FlowIndex) -> list[int]:
    kept = {follow(steps, edge.index) for edge in was.edges}
    return [row.index for row in table.rows if row.index not in kept]


def _mark_missed_edges(flow_run: RunState, steps: tuple[MigrationStep, ...], was: FlowIndex) -> None:
    for index in _new_edges(steps, was.flow, flow_run.table):
        if all(name in flow_run.current.finished for name in flow_run.table.rows[index].sources):
            flow_run.current.edges_not_taken.add(index)
