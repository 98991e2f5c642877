"""A drawing as Graphviz source.

All text passes ``_html`` (inside labels) or ``_plain`` (elsewhere); nothing from the project reaches the source
another way, so that names and values stay text whatever they contain.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from selinon_core.graph import palette
from selinon_core.graph.build.links import DEFAULT_LINK, Locate, link_to
from selinon_core.graph.build.tooltips import brief
from selinon_core.graph.layout.layout_limits import limits
from selinon_core.graph.model import Drawing, Edge, Node
from selinon_core.graph.style import Style
from selinon_core.graph.writers.dot_attributes import (
    CHANGE_SIGNS,
    FONT,
    cluster_look,
    edge_look,
    legend,
    node_look,
)
from selinon_core.graph.writers.identifiers import slugs
from selinon_core.plan.text_wrap import wrap_text

_NOTE_SIZE = 9
_LEGEND_COLUMNS = 4
_TITLE_WIDTH = 70

_GRAPH = {
    "rankdir": "TB",
    "nodesep": "0.35",
    "ranksep": "0.38",
    "pad": "0.25",
    "fontname": FONT,
    "fontsize": "10",
    "fontcolor": palette.MUTED,
    "bgcolor": palette.BACKGROUND,
}
_NODE = {"fontname": FONT, "fontsize": "12", "margin": "0.16,0.08", "height": "0.42", "penwidth": "1.2"}
_EDGE = {"fontname": FONT, "fontsize": "10", "arrowsize": "0.7", "penwidth": "1.3"}


def to_dot(
    drawing: Drawing,
    *,
    style: Style | None = None,
    with_legend: bool = True,
    link: str = DEFAULT_LINK,
    locate: Locate | None = None,
    image_format: str = "svg",
) -> str:
    """Return the drawing as DOT text. ``link`` is the template of addresses, ``locate`` finds classes for it.

    ``image_format`` is what an engine is going to make of it.
    """
    import graphviz  # type: ignore[import-untyped]

    style = style or {}
    own = _plain_all(style.get("graph", {}))
    names = slugs([*(n.id for n in drawing.nodes), *(f"cluster/{c.id}" for c in drawing.clusters)])
    graph = graphviz.Digraph(name="flow", graph_attr={**_GRAPH, **limits(drawing, image_format), **own})
    graph.attr("node", **_NODE)
    graph.attr("edge", **_EDGE)
    if with_legend:
        explained = legend(drawing)
        if explained:
            graph.attr(label=_legend(explained), labelloc="b", labeljust="l")
    inner = graphviz.Digraph(name="cluster_flow")
    inner.attr(label=_title(drawing), labelloc="t", labeljust="l", peripheries="0", margin="8", tooltip=" ")
    _fill(graphviz, inner, drawing, style, names, link, locate, None)
    for edge in drawing.edges:
        _edge(inner, edge, drawing, style, names, link)
    graph.subgraph(inner)
    return str(graph.source)


def _fill(
    graphviz: Any,
    graph: Any,
    drawing: Drawing,
    style: Style,
    names: Mapping[str, str],
    link: str,
    locate: Locate | None,
    parent: str | None,
) -> None:
    """Write the nodes of one frame and, within it, the frames it holds."""
    for node in drawing.nodes:
        if node.cluster == parent:
            _node(graph, node, drawing, style, names[node.id], link, locate)
    for cluster in drawing.clusters:
        if cluster.parent == parent:
            slug = names[f"cluster/{cluster.id}"]
            inner = graphviz.Digraph(name=f"cluster_{slug}")
            inner.attr(
                id=slug,
                label="",  # the sub-flow's own node is its title
                tooltip=_tooltip(cluster.facts),
                margin="14",
                **cluster_look(cluster, drawing),
            )
            _fill(graphviz, inner, drawing, style, names, link, locate, cluster.id)
            graph.subgraph(inner)


def _node(
    graph: Any,
    node: Node,
    drawing: Drawing,
    style: Style,
    slug: str,
    link: str,
    locate: Locate | None,
) -> None:
    attributes = _plain_all(node_look(node, drawing, style))
    if node.kind in {"start", "end", "join"}:
        label = ""
    else:
        bold = node.kind in {"task", "flow"}
        label = _label(node.title, node.lines, node.notes, bold=bold, change=node.change)
        width = _width_of_unknown(node)
        if width:
            attributes["width"] = width
    place = locate(node.target) if locate and node.target else None
    classes = [node.kind, node.state, node.change, "dead" if node.dead else ""]
    attributes.update(
        {
            "label": label,
            "id": slug,
            "tooltip": _tooltip(node.facts),
            "class": " ".join(filter(None, classes)),
            **_address(link_to(place or node.place, link)),
        }
    )
    graph.node(slug, **attributes)


def _edge(graph: Any, edge: Edge, drawing: Drawing, style: Style, names: Mapping[str, str], link: str) -> None:
    attributes = _plain_all(edge_look(edge, drawing, style))
    classes = [edge.kind, edge.change, "dead" if edge.dead else ""]
    attributes.update(
        {
            "edgetooltip": _tooltip(edge.facts),
            "labeltooltip": _tooltip(edge.facts),
            "class": " ".join(filter(None, classes)),
            **{f"edge{key}": value for key, value in _address(link_to(edge.place, link)).items()},
        }
    )
    if edge.label:
        # the blanks keep the text off the line
        attributes["label"] = "<" + "<BR/>".join(f"&#160;&#160;{_html(line)}&#160;" for line in edge.label) + ">"
    graph.edge(names[edge.source], names[edge.target], **attributes)


def _label(title: str, lines: Sequence[str], notes: Sequence[str], *, bold: bool, change: str) -> str:
    first, *rest = lines or (title,)
    shown = [_html(CHANGE_SIGNS.get(change, "") + first), *(_html(line) for line in rest)]
    text = "<BR/>".join(f"<B>{line}</B>" if bold and line else line for line in shown)
    for note in notes:
        text += f'<BR/><FONT POINT-SIZE="{_NOTE_SIZE}">{_html(note)}</FONT>'
    return f"<{text}>"


def _title(drawing: Drawing) -> str:
    lines = [f'<FONT POINT-SIZE="16" COLOR="{palette.TEXT}"><B>{_html(drawing.title)}</B></FONT>']
    notes = [line for note in drawing.notes for line in wrap_text(note, _TITLE_WIDTH)]
    lines.extend(f'<FONT POINT-SIZE="10">{_html(note)}</FONT>' for note in notes)
    rows = "".join(f'<TR><TD ALIGN="LEFT">{line}</TD></TR>' for line in lines)
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{rows}</TABLE>>'


def _legend(items: Sequence[tuple[str, str, str]]) -> str:
    cells = [
        f'<TD FIXEDSIZE="TRUE" WIDTH="16" HEIGHT="11" BGCOLOR="{fill}" COLOR="{line}" BORDER="1"></TD>'
        f'<TD ALIGN="LEFT">{_html(text)}&#160;&#160;&#160;</TD>'
        for fill, line, text in items
    ]
    rows = [cells[i : i + _LEGEND_COLUMNS] for i in range(0, len(cells), _LEGEND_COLUMNS)]
    body = "".join(f"<TR>{''.join(row)}</TR>" for row in rows)
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="5" CELLPADDING="1">{body}</TABLE>>'


def _width_of_unknown(node: Node) -> str:
    """Engines take characters their metrics lack for a blank; return a least width that holds them, else ""."""
    widest = 0.0
    for lines, points in ((node.lines or (node.title,), 12.0), (node.notes, float(_NOTE_SIZE))):
        for line in lines:
            if any(ord(ch) > 0x24F for ch in line):
                ems = sum(1.05 if ord(ch) > 0x24F else 0.6 for ch in line)
                widest = max(widest, ems * points)
    return f"{widest / 72 + 0.4:.2f}" if widest else ""


def _html(text: str) -> str:
    """Escape text for an HTML-like label, where ``\\N`` and the like are replaced too.

    XML allows no control characters. A drawing contains none.
    """
    return html.escape(text, quote=True).replace("\\", "&#92;&#92;") or " "


def _plain(text: str) -> str:
    """Escape text for any other attribute: entities and backslash sequences would be interpreted there."""
    import graphviz

    return str(graphviz.escape(text.replace("&", "&amp;")))


def _plain_all(attributes: Mapping[str, str]) -> dict[str, str]:
    return {name: _nohtml(_plain(value)) for name, value in attributes.items()}


def _tooltip(lines: Sequence[str]) -> str:
    return _nohtml("\\n".join(_plain(line) for line in brief(lines)) or " ")


def _address(url: str) -> dict[str, str]:
    return {"URL": _nohtml(_plain(url))} if url else {}


def _nohtml(text: str) -> str:
    import graphviz

    return graphviz.nohtml(text)  # type: ignore[no-any-return]  # the package has no types
