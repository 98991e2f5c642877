"""A drawing as a Mermaid flowchart that GitHub renders.

Mermaid reads labels as HTML and as Markdown, so every character that could mean something there is written as a
numeric entity, and what would still mean something is taken apart: then no text can be markup, mathematics, an
icon, a list or the end of its label.
"""

from __future__ import annotations

from itertools import pairwise

from selinon_core.graph import palette
from selinon_core.graph.model import Drawing, Edge, Node
from selinon_core.graph.writers.dot_attributes import CHANGE_SIGNS
from selinon_core.graph.writers.identifiers import slugs

_SHAPES = {
    "start": ("((", "))"),
    "end": ("(((", ")))"),
    "task": ("(", ")"),
    "flow": ("[[", "]]"),
    "condition": ("{{", "}}"),
    "foreach": ("[/", "/]"),
    "join": ("[", "]"),
    "failure": ("[", "]"),
    "handled": ("([", "])"),
    "storage": ("[(", ")]"),
}
#: GitHub refuses larger diagrams.
MAX_EDGES = 500
MAX_TEXT = 50_000

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ,()[]/?.=+-")
_PLAIN_TITLE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
#: Harmless within a line; at its beginning, behind digits as well, they make lists and headings.
_NOT_FIRST = frozenset(").=+-")
#: Pairs that Mermaid looks for behind the entities: a line end, mathematics, an icon (``fa:fa-car``).
_PAIRS = frozenset({"\\n", "$$", ":f"})
#: Shown as nothing; keeps what it stands between apart.
_JOINER = "#8288;"
#: Colours stand on light and dark pages alike: every box has its own fill and a text colour that fits it.
_TEXT = palette.TEXT


def to_mermaid(drawing: Drawing) -> str:
    """Return the drawing as Mermaid text; one too large for GitHub says so in its first lines."""
    names = {ident: f"n_{slug}" for ident, slug in slugs(node.id for node in drawing.nodes).items()}
    frames = {ident: f"f_{slug}" for ident, slug in slugs(cluster.id for cluster in drawing.clusters).items()}
    title = "".join(ch if ch in _PLAIN_TITLE else "_" for ch in drawing.title)
    head = f"---\ntitle: {title or 'flow'}\n---\n"
    lines = ["flowchart TD"]
    _nodes(lines, drawing, names, frames, None, "    ")
    lines.extend(f"    {_edge(edge, names)}" for edge in drawing.edges)
    lines.extend(_classes(drawing, names, frames))
    lines.extend(_link_styles(drawing))
    text = "\n".join(lines) + "\n"
    if len(drawing.edges) > MAX_EDGES or len(text) > MAX_TEXT:
        limits = f"{MAX_EDGES} and {MAX_TEXT}"
        text = f"%% {len(drawing.edges)} arrows, {len(text)} characters: GitHub draws {limits}\n{text}"
    return head + text


def _nodes(
    lines: list[str],
    drawing: Drawing,
    names: dict[str, str],
    frames: dict[str, str],
    parent: str | None,
    indent: str,
) -> None:
    """Write the nodes of one frame and, within it, the frames it holds."""
    for node in drawing.nodes:
        if node.cluster == parent:
            opening, closing = _SHAPES[node.kind]
            lines.append(f'{indent}{names[node.id]}{opening}"{_label(node)}"{closing}')
    for cluster in drawing.clusters:
        if cluster.parent == parent:
            lines.append(f'{indent}subgraph {frames[cluster.id]}[" "]')
            _nodes(lines, drawing, names, frames, cluster.id, indent + "    ")
            lines.append(f"{indent}end")


def _label(node: Node) -> str:
    if node.kind == "join":
        return "all of"
    if node.kind in {"start", "end"}:
        return " "
    lines = list(node.lines or (node.title,))
    lines[0] = CHANGE_SIGNS.get(node.change, "") + lines[0]
    return "<br/>".join(_text(line) for line in (*lines, *node.notes)) or " "


def _edge(edge: Edge, names: dict[str, str]) -> str:
    dotted = edge.kind != "flow" or edge.dead or edge.change == "removed"
    if dotted:
        line = "-.->" if edge.arrow else "-.-"
    elif edge.many:
        line = "==>" if edge.arrow else "==="
    else:
        line = "-->" if edge.arrow else "---"
    label = "<br/>".join(_text(each) for each in edge.label)
    shown = f'|"{label}"|' if label else ""
    return f"{names[edge.source]} {line}{shown} {names[edge.target]}"


def _classes(drawing: Drawing, names: dict[str, str], frames: dict[str, str]) -> list[str]:
    members: dict[str, list[str]] = {}
    styles: dict[str, tuple[str, str, str]] = {}
    for node in drawing.nodes:
        name, fill, line, more = _class_of(node, drawing)
        styles[name] = (fill, line, more)
        members.setdefault(name, []).append(names[node.id])
    lines = []
    for name, (fill, line, more) in styles.items():
        text = palette.FAINT_TEXT if name in {"dead", "unreached"} else _TEXT
        lines.append(f"    classDef {name} fill:{fill},stroke:{line},color:{text}{more}")
        lines.append(f"    class {','.join(members[name])} {name}")
    if frames:
        lines.append("    classDef frame fill:none,stroke:#8b949e")
        lines.append(f"    class {','.join(frames.values())} frame")
    return lines


def _class_of(node: Node, drawing: Drawing) -> tuple[str, str, str, str]:
    """Return name, fill, line and further properties of a node's class."""
    fill, line = palette.KIND_COLOURS[node.kind]
    if node.dead:
        return "dead", palette.FAINT_FILL, palette.FAINT, ",stroke-dasharray:4 3"
    if drawing.compared:
        fill, line = palette.CHANGE_COLOURS[node.change]
        return node.change or "same", fill, line, ",stroke-width:2px" if node.change else ""
    if drawing.coverage and node.state:
        shown = "unused" if node.state == "never" and node.kind in ("failure", "handled") else node.state
        fill, line = palette.COVERAGE_COLOURS[shown]
        return shown, fill, line, ",stroke-dasharray:4 3" if node.state == "never" else ""
    if drawing.run and node.state:
        fill, line = palette.STATE_COLOURS[node.state]
        return node.state, fill, line, ",stroke-dasharray:4 3" if node.state == "unreached" else ""
    if node.nowait:
        return f"{node.kind}NoWait", fill, line, ",stroke-dasharray:4 3"
    # "end" is a keyword of the language
    return f"{node.kind}Node", palette.FAINT_FILL if node.kind == "join" else fill, line, ""


_KIND_LINES = {"fallback": palette.FAILURE, "store": palette.STORAGE, "data": palette.CONDITION}


def _link_styles(drawing: Drawing) -> list[str]:
    groups: dict[str, list[str]] = {}
    for number, edge in enumerate(drawing.edges):
        colour = ""
        if edge.dead:
            colour = palette.FAINT
        elif drawing.compared:
            colour = palette.CHANGE_COLOURS[edge.change][1] if edge.change else ""
        elif drawing.run and edge.considered is not None:
            colour = palette.SUCCESS if edge.fired else palette.FAINT
        elif edge.idle:
            colour = palette.FAINT
        elif edge.kind != "flow":
            colour = _KIND_LINES[edge.kind]
        if colour:
            groups.setdefault(colour, []).append(str(number))
    return [f"    linkStyle {','.join(numbers)} stroke:{colour}" for colour, numbers in groups.items()]


def _text(text: str) -> str:
    written = []
    first = True
    for ch, following in pairwise(f"{text} "):
        plain = ch in _PLAIN or (ord(ch) > 127 and ch.isalnum())
        written.append(ch if plain and not (first and ch in _NOT_FIRST) else f"#{ord(ch)};")
        if ch + following in _PAIRS:
            written.append(_JOINER)
        first = first and (ch.isdigit() or ch == " ")
    return "".join(written)
