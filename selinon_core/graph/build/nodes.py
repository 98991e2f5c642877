"""Tasks and sub-flows of a drawing."""

from __future__ import annotations

from selinon_core.graph.build import tooltips
from selinon_core.graph.build.drawing_builder import NAME_WIDTH, Part, wrapped
from selinon_core.graph.build.overlay import run_notes
from selinon_core.graph.diff import changed_task
from selinon_core.graph.model import Node
from selinon_core.plan import FlowPlan
from selinon_core.plan.text_wrap import printable, wrap_name


def describe_node(part: Part, name: str) -> Node:
    """Return the node of a task or sub-flow in a flow."""
    plan, other = part.scene.plan, part.scene.other
    task = plan.tasks.get(name) or (other.tasks.get(name) if other else None)
    subflow = plan.flows.get(name)
    if subflow is None and name not in plan.tasks and other:
        subflow = other.flows.get(name)
    change, notes = _change(part, name)
    if subflow and name in part.ancestors:
        notes.insert(0, "starts itself again" if name == part.name else "recursion")
    if name in part.flow.nowait:
        notes.insert(0, "not waited for")
    if task and task.wait and not subflow:
        notes.insert(0, "waits for a signal")
    if name in part.flow.eager_failures:
        notes.insert(0, "its failure ends the flow")
    state = ""
    if part.scene.overlay:
        runs = part.scene.overlay.node(part.name, name)
        state = runs.state if runs else "unreached"
        notes.extend(run_notes(runs))
    shown = printable(name)
    facts: tuple[str, ...] = tooltips.flow_facts(subflow) if subflow else tooltips.task_facts(task) if task else ()
    origin = subflow or task
    kind = "flow" if subflow else "task"
    return Node(
        id=f"{part.prefix}{kind}:{name}",
        kind=kind,
        title=shown,
        lines=wrap_name(shown, NAME_WIDTH),
        notes=wrapped(notes),
        name=name,
        flow=part.name,
        facts=(f"{kind} {shown}", *facts),
        place=origin.place if origin else None,
        target=task.function if task and not subflow else None,
        cluster=part.cluster,
        nowait=name in part.flow.nowait,
        dead=part.is_dead(name in part.reach.nodes, change),
        change=change,
        state=state,
    )


def draw_task_storage(part: Part, node: Node) -> None:
    """Add to the scene the storage that a task uses and, in a comparison, the one it used."""
    if node.kind != "task":
        return
    plan, other = part.scene.plan, part.scene.other
    now = plan.tasks.get(node.name)
    before = other.tasks.get(node.name) if other else None
    shown = now or before
    if shown and shown.storage:
        change = node.change if node.change in {"added", "removed"} else ""
        if part.compared and not change and before and before.storage != shown.storage:
            change = "added"
        part.scene.store(node.id, shown.storage, shown.storage_readonly, change, node.dead)
    if now and before and before.storage and before.storage != now.storage and part.compared:
        part.scene.store(node.id, before.storage, before.storage_readonly, "removed", node.dead)


def _change(part: Part, name: str) -> tuple[str, list[str]]:
    """Return how a node changed in this flow, and lines that describe the change."""
    if not part.compared:
        return part.change, []
    now, before = _used(part.new, name), _used(part.old, name)
    if now != before:
        return ("added" if now else "removed"), []
    notes: list[str] = []
    other = part.scene.other
    new_task = part.scene.plan.tasks.get(name)
    old_task = other.tasks.get(name) if other else None
    if new_task and old_task:
        notes.extend(changed_task(new_task, old_task))
    elif (new_task is None) != (old_task is None):
        notes.append("was a flow" if new_task else "was a task")
    if part.new and part.old:
        waited, waited_before = name not in part.new.nowait, name not in part.old.nowait
        if waited != waited_before:
            notes.append("now waited for" if waited else "was waited for")
        eager, eager_before = name in part.new.eager_failures, name in part.old.eager_failures
        if eager != eager_before:
            notes.append("now ends the flow" if eager else "no longer ends the flow")
    return ("changed" if notes else ""), notes


def _used(flow: FlowPlan | None, name: str) -> bool:
    return flow is not None and (
        any(name in edge.sources or name in edge.destinations for edge in flow.edges)
        or any(name in entry.nodes or name in entry.fallback for entry in flow.failures)
    )
