"""The change of a flow as a drawing, whose edges say when they taint runs."""

from __future__ import annotations

from selinon_core.diagnostics.location import Place
from selinon_core.graph import Drawing, drawing_of
from selinon_core.graph.model import Edge
from selinon_core.migrations.compare import Comparison
from selinon_core.migrations.describe import edge_text, taints_of
from selinon_core.plan.text_wrap import wrap_text


def change_drawing(comparison: Comparison, flow: str) -> Drawing:
    """Draw both versions of a flow over each other; each arrow of an edge that taints says when."""
    drawing = drawing_of(comparison.new, flow, other=comparison.old, storages=False)
    gone, new = taints_of(comparison, flow)
    before, now = comparison.old.flows[flow].edges, comparison.new.flows[flow].edges
    # an arrow of an edge that is gone has no number; it has its place, which in another revision is another file
    why_gone = {before[index].place: why for index, why in gone.items()}
    labelled: set[Place] = set()

    def marked(edge: Edge) -> Edge:
        why = None
        if edge.kind == "flow" and edge.change and edge.place is not None:
            why = why_gone.get(edge.place) if edge.number is None else new.get(edge.number)
            if edge.number is not None and edge.change == "removed":
                why = None  # drawn as part of the edge that took its place
        if why is None or edge.place is None:
            return edge
        facts = (*edge.facts, why)
        if edge.place in labelled:
            return edge._replace(facts=facts)
        labelled.add(edge.place)
        return edge._replace(label=(*edge.label, *wrap_text(why, 24)), facts=facts)

    edges = tuple(marked(edge) for edge in drawing.edges)
    missing = [f"{edge_text(before[i])} {why}" for i, why in gone.items() if before[i].place not in labelled]
    missing += [f"{edge_text(now[i])} {why}" for i, why in new.items() if now[i].place not in labelled]
    return drawing._replace(edges=edges, notes=(*drawing.notes, *missing))
