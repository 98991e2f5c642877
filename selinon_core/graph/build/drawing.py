"""From the plan (and perhaps an older plan, and perhaps a run report) to a drawing.

One flow becomes: a dot to start from; its nodes; per edge a bar when several sources are waited for, a box for the
condition, a box for the fan-out, and an arrow per destination; per failures entry a box that names the set of
failed nodes; the storages. An edge without join, condition and fan-out is nothing but arrows.

An expanded sub-flow is its node with a frame around it and everything it starts, and a dot behind the last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from selinon_core.graph.build import tooltips
from selinon_core.graph.build.drawing_builder import EXPAND_DEPTH, EXPAND_LIMIT, Part, Scene, wrapped
from selinon_core.graph.build.edges import draw_edge
from selinon_core.graph.build.failures import draw_failure
from selinon_core.graph.build.nodes import describe_node, draw_task_storage
from selinon_core.graph.build.overlay import Overlay
from selinon_core.graph.build.reachability import reach
from selinon_core.graph.diff import EdgePair, FailurePair, pair_edges, pair_failures
from selinon_core.graph.model import Cluster, Drawing, Edge, Node
from selinon_core.plan import Plan
from selinon_core.plan.text_wrap import printable


def build(
    plan: Plan,
    flow: str,
    *,
    report: Mapping[str, Any] | None = None,
    other: Plan | None = None,
    expand: bool = False,
    storages: bool = True,
    data: bool = False,
) -> Drawing:
    """Return the drawing of ``flow``, which is in ``plan`` or, compared with it, in the older plan ``other``."""
    scene = Scene(plan, other, None if report is None else Overlay(report), expand, storages, data)
    part = _part(scene, flow, ancestors=(flow,), entry="start")
    scene.add(Node("start", "start", "", flow=flow, facts=("start",)))
    _draw(part)
    scene.draw_storages()
    change, notes = scene.flow_change(flow)
    state, outcome = scene.overlay.flow(flow) if scene.overlay else ("", "")
    notes = (*tooltips.flow_notes(part.flow), *notes, outcome)
    return Drawing(
        flow=flow,
        title=printable(flow),
        notes=tuple(note for note in notes if note),
        nodes=tuple(scene.nodes),
        edges=tuple(scene.edges),
        clusters=tuple(scene.clusters),
        compared=other is not None,
        run=report is not None,
        state=state,
        change=change,
    )


def _part(scene: Scene, name: str, **where: Any) -> Part:
    new = scene.plan.flows.get(name)
    old = scene.other.flows.get(name) if scene.other else None
    shown = new or old
    assert shown is not None
    return Part(scene, name, new=new, old=old, reach=reach(shown), **where)


def _draw(part: Part) -> None:
    """Draw the nodes, edges and failures entries of a flow."""
    if part.compared:
        pairs: Sequence[EdgePair] = pair_edges(part.new, part.old)
        entries: Sequence[FailurePair] = pair_failures(part.new, part.old)
    else:
        pairs = [EdgePair(edge, None) for edge in part.flow.edges]
        entries = [FailurePair(entry, None) for entry in part.flow.failures]
    for name in _names(pairs, entries):
        _draw_node(part, name)
    for pair in pairs:
        draw_edge(part, pair)
    for entry in entries:
        draw_failure(part, entry)
    if part.scene.data:
        from selinon_core.graph.build.data import draw_data  # few drawings have it

        draw_data(part)


def _names(pairs: Sequence[EdgePair], entries: Sequence[FailurePair]) -> list[str]:
    """Return the names of all nodes in order of appearance."""
    names: dict[str, None] = {}
    for pair in pairs:
        for edge in pair:
            if edge:
                names.update(dict.fromkeys((*edge.sources, *edge.destinations)))
    for both in entries:
        for entry in both:
            if entry:
                names.update(dict.fromkeys((*entry.nodes, *entry.fallback)))
    return list(names)


def _draw_node(part: Part, name: str) -> None:
    node = describe_node(part, name)
    scene = part.scene
    expands = (
        scene.expand
        and node.kind == "flow"
        and name not in part.ancestors
        and len(part.ancestors) <= EXPAND_DEPTH
        and len(scene.nodes) < EXPAND_LIMIT
    )
    if not expands:
        scene.add(node)
        part.ends[name] = (node.id, node.id)
        draw_task_storage(part, node)
        return
    change, more = scene.flow_change(name)
    whole = node.change if node.change in {"added", "removed"} else ""
    if not whole and change:
        node = node._replace(change=node.change or change, notes=(*node.notes, *wrapped([*more])))
    scene.clusters.append(
        Cluster(
            id=node.id,
            title=node.title,
            flow=name,
            notes=node.notes,
            facts=node.facts,
            parent=part.cluster,
            place=node.place,
            change=node.change,
            state=node.state,
        )
    )
    scene.add(node._replace(cluster=node.id))
    inner = _part(
        scene,
        name,
        prefix=f"{node.id}/",
        cluster=node.id,
        ancestors=(*part.ancestors, name),
        change=part.change or whole,
        dead=node.dead,
        entry=node.id,
    )
    _draw(inner)
    part.ends[name] = (node.id, _close(inner))


def _close(part: Part) -> str:
    """End a frame with a dot behind everything that nothing follows; return its id."""
    sources = {name for edge in part.flow.edges for name in edge.sources}
    last = [name for name in part.ends if name not in sources]
    last = [name for name in last if name not in part.flow.nowait] or last
    end = part.scene.add(
        Node(
            f"{part.prefix}end",
            "end",
            "",
            flow=part.name,
            facts=(f"end of {printable(part.name)}",),
            cluster=part.cluster,
            dead=part.dead,
            change=part.change,
        )
    )
    overlay = part.scene.overlay
    for name in last or list(part.ends)[-1:]:
        idle = overlay is not None and overlay.node(part.name, name) is None
        part.scene.connect(
            Edge(
                part.ends[name][1],
                end,
                facts=("end",),
                arrow=False,
                dead=part.dead,
                change=part.change,
                idle=idle,
            )
        )
    return end
