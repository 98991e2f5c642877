"""How hard an engine may try: its search for the best layout takes minutes where no layout is good."""

from __future__ import annotations

from selinon_core.graph.layout.layered_layout import ranks_passed
from selinon_core.graph.model import Drawing

#: With more arrows than this, the search is bounded.
MANY_ARROWS = 600
#: Arrows that pass more ranks than this on their way are a tangle that no eye can follow: they become straight
#: lines, which cost nothing to find.
TANGLE = 5000
#: A tangle fits a square of so many inches where every dot of it has to be painted.
_PAINTED = "60,60"


def limits(drawing: Drawing, image_format: str) -> dict[str, str]:
    """Return the Graphviz attributes of a graph that bound the work on it; most drawings need none."""
    number = {node.id: i for i, node in enumerate(drawing.nodes)}
    passed = ranks_passed(len(number), [(number[edge.source], number[edge.target]) for edge in drawing.edges])
    if passed > TANGLE:
        straight = {"nslimit": "2", "mclimit": "0.05", "splines": "line"}
        return {**straight, "size": _PAINTED} if image_format == "png" else straight
    return {"nslimit": "2", "mclimit": "0.2"} if len(drawing.edges) > MANY_ARROWS else {}
