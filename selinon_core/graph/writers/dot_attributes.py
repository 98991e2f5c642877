"""Which Graphviz attributes a node, arrow or frame of a drawing gets: kind, then style file, then overlay."""

from __future__ import annotations

from selinon_core.graph import palette
from selinon_core.graph.model import Cluster, Drawing, Edge, Node
from selinon_core.graph.palette import readable_on
from selinon_core.graph.style import Style

FONT = "Arial"

#: The sign of a change in front of a title, for readers and prints without colours.
CHANGE_SIGNS = {"added": "+ ", "removed": "\u2212 ", "changed": "~ "}

_ROUND = {"shape": "box", "style": "rounded,filled"}
_SQUARE = {"shape": "box", "style": "filled", "fontsize": "11", "margin": "0.13,0.07", "height": "0.3"}
_SHAPES: dict[str, dict[str, str]] = {
    "start": {"shape": "circle", "style": "filled", "width": "0.16", "height": "0.16", "fixedsize": "true"},
    "end": {
        "shape": "doublecircle", "style": "filled", "width": "0.1", "height": "0.1", "fixedsize": "true",
    },
    "join": {"shape": "box", "style": "filled", "width": "0.75", "height": "0.07", "fixedsize": "true"},
    "task": _ROUND,
    "flow": {**_ROUND, "peripheries": "2"},
    "condition": {**_SQUARE, "shape": "hexagon", "margin": "0.02,0.04"},
    "foreach": {**_SQUARE, "peripheries": "2"},
    "failure": {**_SQUARE, "shape": "octagon", "margin": "0.03,0.03"},
    "handled": {**_ROUND, "fontsize": "11", "height": "0.3"},
    "storage": {"shape": "cylinder", "style": "filled", "fontsize": "11", "height": "0.4"},
}  # fmt: skip
#: Shapes with corners grow with the square of their text: beyond so many lines a plain box is calmer.
_POINTED = {"condition": 2, "failure": 1}
_STYLE_KEYS = {
    "task": "task",
    "flow": "flow",
    "condition": "condition",
    "foreach": "condition_foreach",
    "storage": "storage",
    "handled": "fallback_true",
}
_EDGE_STYLE_KEYS = {"flow": "edge", "fallback": "fallback_edge", "store": "store_edge", "data": "data_edge"}


def node_look(node: Node, drawing: Drawing, style: Style) -> dict[str, str]:
    """Return the attributes of a node, its label aside."""
    fill, line = palette.KIND_COLOURS[node.kind]
    look = {**_SHAPES[node.kind], "fillcolor": fill, "color": line, "fontcolor": palette.TEXT}
    if node.kind in _POINTED and len(node.lines) + len(node.notes) > _POINTED[node.kind]:
        look.update(_SQUARE)
    own = style.get(_STYLE_KEYS.get(node.kind, ""), {})
    look.update(own)
    if "fillcolor" in own and "fontcolor" not in own:
        look["fontcolor"] = readable_on(own["fillcolor"])
    solid = node.kind in {"start", "end", "join"}
    colours = None
    if drawing.compared:
        colours = palette.CHANGE_COLOURS[node.change]
        if node.change:
            look["penwidth"] = "1.8"
        if node.change == "removed" and not solid:
            look["style"] += ",dashed"
    elif drawing.coverage:
        colours = _coverage_colours(node)
    elif drawing.run and node.state:
        colours = palette.STATE_COLOURS[node.state]
    elif drawing.run and node.kind in {"task", "flow"}:
        colours = palette.STATE_COLOURS["unreached"]
    if node.dead:
        colours = (palette.FAINT_FILL, palette.FAINT)
    if colours:
        fill, line = colours
        look.update(fillcolor=line if solid else fill, color=line, fontcolor=palette.TEXT)
        if node.dead or _is_unmet(node) or (drawing.run and node.state == "unreached"):
            look["fontcolor"] = palette.FAINT_TEXT
            look["style"] += "" if solid else ",dashed"
    if node.nowait and "dashed" not in look["style"]:
        look["style"] += ",dashed"
    return look


def _is_unmet(node: Node) -> bool:
    """Whether no test has met a node; a fallback that was never used is another case."""
    return node.state == "never" and node.kind not in ("failure", "handled")


def _is_unmet_edge(edge: Edge) -> bool:
    return edge.state == "never" and edge.kind != "fallback"


def _coverage_colours(node: Node) -> tuple[str, str]:
    if node.state == "never" and not _is_unmet(node):
        return palette.COVERAGE_COLOURS["unused"]
    return palette.COVERAGE_COLOURS.get(node.state, palette.CHANGE_COLOURS[""])


def edge_look(edge: Edge, drawing: Drawing, style: Style) -> dict[str, str]:
    """Return the attributes of an arrow, its label aside."""
    look = {"color": palette.LINE}
    if edge.kind == "fallback":
        look = {"color": palette.FAILURE, "style": "dashed"}
    elif edge.kind == "store":
        look = {"color": palette.STORAGE, "style": "dotted", "arrowhead": "open", "arrowsize": "0.6"}
    elif edge.kind == "data":
        look = {"color": palette.CONDITION, "style": "dashed", "arrowhead": "open", "arrowsize": "0.6"}
    look.update(style.get(_EDGE_STYLE_KEYS[edge.kind], {}))
    if edge.kind in ("store", "data"):
        look.setdefault("weight", "0")
    if not edge.arrow:
        look["arrowhead"] = "none"
    if edge.many:
        look["penwidth"] = "2.4"
    if drawing.compared:
        look["color"] = palette.CHANGE_COLOURS[edge.change][1]
        if edge.change:
            look["penwidth"] = "2.2"
        if edge.change == "removed":
            look["style"] = "dashed"
    elif drawing.coverage and edge.state:
        line = "unused" if edge.state == "never" and not _is_unmet_edge(edge) else edge.state
        look["color"] = palette.COVERAGE_COLOURS[line][1]
        if edge.state == "covered":
            look["penwidth"] = "2"
        elif edge.state == "never":
            look["style"] = "dashed"
    elif drawing.run and edge.fired:
        look.update(color=palette.SUCCESS, penwidth="2")
    elif drawing.run and edge.idle:
        look["color"] = palette.FAINT
    if edge.dead:
        look.update(color=palette.FAINT, style="dashed")
    look["fontcolor"] = look["color"] if edge.change else palette.MUTED
    return look


def cluster_look(cluster: Cluster, drawing: Drawing) -> dict[str, str]:
    """Return the attributes of a frame, its label aside."""
    look = {
        "style": "rounded,filled",
        "fillcolor": palette.FRAME_FILL,
        "color": palette.FRAME,
        "penwidth": "1.2",
        "peripheries": "1",
    }
    if drawing.compared and cluster.change:
        look["color"] = palette.CHANGE_COLOURS[cluster.change][1]
        look["penwidth"] = "2"
    elif drawing.run and cluster.state in palette.STATE_COLOURS:
        look["color"] = palette.STATE_COLOURS[cluster.state][1]
    return look


_OCTAGON = "octagon: when nodes have failed"


def legend(drawing: Drawing) -> tuple[tuple[str, str, str], ...]:
    """Return what needs explaining in this drawing: (fill, line, text) each."""
    items: list[tuple[str, str, str]] = []
    octagon = (
        [(palette.BACKGROUND, palette.MUTED, _OCTAGON)] if any(n.kind == "failure" for n in drawing.nodes) else []
    )
    if drawing.compared:
        found = {n.change for n in drawing.nodes} | {e.change for e in drawing.edges}
        found |= {c.change for c in drawing.clusters} | {drawing.change}
        items = [(*palette.CHANGE_COLOURS[c], c) for c in ("added", "removed", "changed") if c in found]
        return (*items, *octagon)
    if drawing.coverage:
        met = {n.state for n in drawing.nodes if n.state != "never"} | {e.state for e in drawing.edges} - {"never"}
        if any(_is_unmet(n) for n in drawing.nodes) or any(_is_unmet_edge(e) for e in drawing.edges):
            met.add("never")
        if any(n.state == "never" and n.kind == "failure" for n in drawing.nodes):
            met.add("unused")
        texts = {
            "covered": "covered",
            "partly": "partly covered",
            "never": "never met",
            "unused": "fallback never used",
        }
        items = [(*palette.COVERAGE_COLOURS[s], t) for s, t in texts.items() if s in met]
        return (*items, *octagon)
    if drawing.run:
        states = {n.state for n in drawing.nodes if n.kind in {"task", "flow"}}
        texts = {
            "success": "succeeded",
            "failure": "failed",
            "mixed": "some runs failed",
            "reused": "reused",
            "unreached": "not run",
        }
        items = [(*palette.STATE_COLOURS[s], t) for s, t in texts.items() if s in states]
        if any(e.considered is not None for e in drawing.edges):
            items.append((palette.BACKGROUND, palette.BACKGROUND, "2/3: fired 2 times of 3 considered"))
        return (*items, *octagon)
    texts = {
        "task": "task",
        "flow": "sub-flow",
        "condition": "condition",
        "foreach": "fan-out",
        "join": "waits for all",
        "failure": _OCTAGON,
        "storage": "storage",
    }
    found_kinds = {n.kind for n in drawing.nodes}
    items = [(*palette.KIND_COLOURS[kind], text) for kind, text in texts.items() if kind in found_kinds]
    if any(n.dead for n in drawing.nodes) or any(e.dead for e in drawing.edges):
        items.append((palette.FAINT_FILL, palette.FAINT, "never happens"))
    return tuple(items) if len(items) > 1 else ()
