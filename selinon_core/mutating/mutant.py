"""Mutants: plans that differ from the project's by one small mistake."""

from __future__ import annotations

from typing import NamedTuple

from selinon_core.diagnostics.location import Place
from selinon_core.plan import EdgePlan, FailurePlan, FlowPlan, Plan, TaskPlan
from selinon_core.plan.text_wrap import ends_text


class Mutant(NamedTuple):
    """A plan with one mistake.

    ``id`` is unique in the project and does not change when other parts of the files do. ``operator`` is the
    operator's name, ``element`` what was changed: ``flow/edge:2``, ``flow/failure:0``, ``flow`` or ``task:Name``.
    ``text`` says in a sentence what the mutant does differently. ``place`` is where the changed thing is written.
    ``flow`` is None for a mutant of a task.
    """

    id: str
    operator: str
    element: str
    flow: str | None
    text: str
    place: Place
    plan: Plan


def replace_flow(plan: Plan, flow: FlowPlan) -> Plan:
    """The plan with another definition of one flow."""
    return plan._replace(flows={**plan.flows, flow.name: flow})


def replace_task(plan: Plan, task: TaskPlan) -> Plan:
    """The plan with another definition of one task."""
    return plan._replace(tasks={**plan.tasks, task.name: task})


def replace_edge(plan: Plan, flow: FlowPlan, *edges: EdgePlan) -> Plan:
    """The plan with other definitions of edges of one flow: those of known indexes are replaced, others added."""
    changed = {edge.index: edge for edge in edges}
    old = tuple(changed.pop(edge.index, edge) for edge in flow.edges)
    return replace_flow(plan, flow._replace(edges=(*old, *changed.values())))


def replace_failure(plan: Plan, flow: FlowPlan, failure: FailurePlan) -> Plan:
    """The plan with another definition of one entry of a flow's ``failures``."""
    failures = tuple(failure if entry.index == failure.index else entry for entry in flow.failures)
    return replace_flow(plan, flow._replace(failures=failures))


def edge_mutant(
    plan: Plan, flow: FlowPlan, edge: EdgePlan, operator: str, key: str, text: str, *changed: EdgePlan
) -> Mutant:
    """A mutant of an edge; ``text`` goes on after its ends."""
    element = f"{flow.name}/edge:{edge.index}"
    id = f"{element}/{operator}{':' + key if key else ''}"
    text = f"{ends_text(edge.sources, edge.destinations)} {text}"
    return Mutant(id, operator, element, flow.name, text, edge.place, replace_edge(plan, flow, *changed))


def failure_mutant(
    plan: Plan, flow: FlowPlan, entry: FailurePlan, operator: str, key: str, text: str, changed: FailurePlan
) -> Mutant:
    """A mutant of a failures entry; ``text`` goes on after its nodes."""
    element = f"{flow.name}/failure:{entry.index}"
    id = f"{element}/{operator}{':' + key if key else ''}"
    text = f"the fallback for {' and '.join(entry.nodes)} {text}"
    return Mutant(id, operator, element, flow.name, text, entry.place, replace_failure(plan, flow, changed))


def flow_mutant(plan: Plan, flow: FlowPlan, operator: str, key: str, text: str, changed: FlowPlan) -> Mutant:
    """A mutant of a flow as a whole."""
    id = f"{flow.name}/{operator}{':' + key if key else ''}"
    return Mutant(id, operator, flow.name, flow.name, text, flow.place, replace_flow(plan, changed))
