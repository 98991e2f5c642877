"""The values a node gets about the runs before it: ``parent`` and ``failures``.

A task among the sources appears as ``{name: id}``. A sub-flow appears only under ``propagate_finished``, nested
as its sub-flows are (``{flow: {Task: [ids], subflow: {Task: [ids]}}}``), or ``propagate_compound_finished``,
flattened under its name (``{flow: {Task: [ids]}}``). ``failures`` uses the same forms with lists for tasks.
Ids are in order of finishing, depth first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from selinon_core.dispatch.node_run import FlowOutcome, NodeRun
from selinon_core.plan import FlowPlan


def parent_of_sources(flow: FlowPlan, sources: tuple[NodeRun, ...]) -> dict[str, Any]:
    """The ``parent`` of a node started by an edge from these runs."""
    parent: dict[str, Any] = {}
    for node_run in sources:
        if not node_run.is_flow:
            parent[node_run.name] = node_run.id
            continue
        ids = _ids_below(flow.propagate_finished, flow.propagate_compound_finished, node_run, finished=True)
        if ids:
            parent[node_run.name] = ids
    return parent


def parent_of(flow: FlowPlan, node_run: NodeRun, flow_parent: dict[str, Any]) -> dict[str, Any]:
    """The ``parent`` a run was started with, as a new mapping; sub-flows without propagation got none."""
    if node_run.is_flow and node_run.name not in flow.propagate_parent:
        return {}
    if node_run.parent is not None:
        return dict(node_run.parent)
    return parent_of_sources(flow, node_run.sources) if node_run.sources else dict(flow_parent)


def merged_parents(
    flow: FlowPlan, runs: Iterable[NodeRun], flow_parent: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, int]]:
    """The ``parent`` of a fallback: those of the runs it handles. Of two ids for a name the later-started wins.

    Also returns the numbers of the runs that the ids stand for, 0 for ids that the flow itself was given. Handled
    runs are not compared by their own numbers: those follow the order in which their sources finished.
    """
    merged: dict[str, Any] = {}
    numbers: dict[str, int] = {}
    for node_run in runs:
        of_run = node_run.parent_numbers
        if of_run is None:
            of_run = {source.name: source.number for source in node_run.sources}
        for name, value in parent_of(flow, node_run, flow_parent).items():
            number = of_run.get(name, 0)
            if number >= numbers.get(name, 0):
                merged[name] = value
                numbers[name] = number
    return merged, numbers


def copied(parent: dict[str, Any]) -> dict[str, Any]:
    """A ``parent`` that shares nothing with the given one."""
    return {name: value if isinstance(value, str) else _copied(value) for name, value in parent.items()}


def _copied(value: Any) -> Any:
    return copied(value) if isinstance(value, dict) else list(value)


def failures_of(flow: FlowPlan, runs: Iterable[NodeRun]) -> dict[str, Any]:
    """The ``failures`` of a fallback that handles these failed runs."""
    failures: dict[str, Any] = {}
    for node_run in runs:
        if not node_run.is_flow:
            failures.setdefault(node_run.name, []).append(node_run.id)
            continue
        ids = _ids_below(flow.propagate_failures, flow.propagate_compound_failures, node_run, finished=False)
        if ids:
            failures[node_run.name] = ids
    return failures


def merged_failures(runs: Iterable[NodeRun]) -> dict[str, Any] | None:
    """The failures that a node behind these runs inherits, without repetitions."""
    merged: dict[str, Any] | None = None
    for node_run in runs:
        if node_run.failures:
            merged = _merge(merged or {}, node_run.failures)
    return merged


def _merge(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    merged = dict(left)
    for name, value in right.items():
        known = merged.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            merged[name] = _merge(known, value)
        elif isinstance(known, list) and isinstance(value, list):
            merged[name] = known + [id for id in value if id not in known]
        else:
            merged[name] = value
    return merged


def _ids_below(
    nested: frozenset[str], compound: frozenset[str], node_run: NodeRun, *, finished: bool
) -> dict[str, Any]:
    if node_run.outcome is None or (node_run.name not in nested and node_run.name not in compound):
        return {}
    tree: dict[str, Any] = {}
    _collect(node_run.outcome, tree, finished=finished, nested=node_run.name in nested)
    return tree


def _collect(outcome: FlowOutcome, tree: dict[str, Any], *, finished: bool, nested: bool) -> None:
    for name, ids in (outcome.finished if finished else outcome.failed).items():
        below = outcome.subflows.get(name)
        if below is None:
            tree.setdefault(name, []).extend(ids)
            continue
        inner = tree.setdefault(name, {}) if nested else tree
        for sub in below:
            if sub.succeeded is finished:
                _collect(sub, inner, finished=finished, nested=nested)
        if not inner and nested:  # omitted, like a sub-flow of the flow itself without ids
            del tree[name]
