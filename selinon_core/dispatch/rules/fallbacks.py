"""The fallback step: entries of ``failures`` take failed runs over, largest sets first (rule 5 of the machine)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from selinon_core.dispatch import effects as do
from selinon_core.dispatch.flow_index import FailureGroup, FlowIndex
from selinon_core.dispatch.node_run import NodeRun
from selinon_core.dispatch.references import args_of
from selinon_core.dispatch.rules.arguments import ask_args, reason_of, refuse
from selinon_core.dispatch.rules.completion import fail_attempt, nodes_failed
from selinon_core.dispatch.rules.propagation import copied, failures_of, merged_failures, merged_parents
from selinon_core.dispatch.rules.starts import launch, new_node
from selinon_core.dispatch.state import RunState
from selinon_core.plan import FailurePlan


def applicable_groups(table: FlowIndex, failed: Collection[str]) -> list[FailureGroup]:
    """The groups whose nodes have all failed: larger sets first, equal sizes in lexical order."""
    return [group for group in table.failure_groups if group.names.issubset(failed)]


def begin_fallbacks(flow_run: RunState) -> None:
    """Begin the step: ask once for the condition of each entry that may apply.

    Conditions see arguments and environment only, so their values cannot change during the step.
    """
    current = flow_run.current
    groups = applicable_groups(flow_run.table, current.unhandled)
    asked = [entry for group in groups for entry in group.entries if entry.condition is not None]
    current.fallback_answers = {}
    for entry in asked:
        flow_run.ask(do.AskFallbackCondition(flow_run.questions.next_number(), entry, current.args))
    if not asked:
        _run_groups(flow_run, groups)


def run_fallbacks(flow_run: RunState) -> None:
    """Handle failed runs by the entries that apply. All their conditions have been answered."""
    _run_groups(flow_run, applicable_groups(flow_run.table, flow_run.current.unhandled))


def _run_groups(flow_run: RunState, groups: list[FailureGroup]) -> None:
    unhandled, answers = flow_run.current.unhandled, flow_run.current.fallback_answers
    handled_any = False
    for group in groups:
        holding = [e for e in group.entries if e.condition is None or answers.get(e.index)]
        while holding and group.names.issubset(unhandled):
            _handle(flow_run, _take_failed(flow_run, group), holding)
            handled_any = True
    if not handled_any:
        names = ", ".join(sorted(unhandled))
        fail_attempt(flow_run, f"no fallback applies to the failed nodes: {names}")


def _take_failed(flow_run: RunState, group: FailureGroup) -> tuple[NodeRun, ...]:
    """The oldest failed run of each node of a group."""
    current = flow_run.current
    taken = []
    for name in group.nodes:
        failed = current.unhandled[name]
        taken.append(failed.pop(0))
        current.started_elsewhere.add(name)
        if not failed:
            del current.unhandled[name]
    return tuple(taken)


def _handle(flow_run: RunState, handled: tuple[NodeRun, ...], entries: list[FailurePlan]) -> None:
    """Start the fallbacks of all entries for failed runs, or ask for their arguments."""
    if any(entry.propagate_failure for entry in entries):
        flow_run.current.handled_for_failure.extend(handled)
    for entry in entries:
        if entry.args is not None and entry.fallback:
            ask_args(flow_run, entry, handled, entry.fallback)
        else:
            start_fallbacks(flow_run, entry, handled)


def start_fallbacks(
    flow_run: RunState, entry: FailurePlan, handled: tuple[NodeRun, ...], given: Sequence[Any] | None = None
) -> None:
    """Start the fallbacks of an entry; ``given`` has the arguments that it works out (``events.ArgsAnswered``)."""
    current, flow = flow_run.current, flow_run.table.flow
    failures = failures_of(flow, handled)
    inherited = merged_failures(handled)
    if inherited:
        failures = {**inherited, **failures}
    parent, numbers = merged_parents(flow, handled, flow_run.start.parent)
    started, refused = [], []
    for name in entry.fallback:
        destination = flow_run.table.destinations[name]
        if given is not None:
            args = None if given[0] else args_of(given, name)
        else:
            args = current.args if destination.takes_args else None
        of_node = failures if destination.takes_failures else None
        node = new_node(flow_run, destination, None, handled, args, of_node, entry.index)
        node.parent = parent if destination.takes_parent else {}
        node.parent_numbers = numbers
        started.append(node)
    current.passes_failures = current.passes_failures or bool(failures and started)
    flow_run.note("FALLBACK_START", {"failure": entry.index, "handled": list(handled), "started": started})
    for node in started:
        reason = None if given is None else reason_of(given, node.name)
        if reason is None:
            launch(flow_run, node, copied(node.parent or {}), None)
        else:
            node.args = None
            refused.append(refuse(flow_run, node, reason))
    if refused:
        nodes_failed(flow_run, refused)
