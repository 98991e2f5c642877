"""A drawing for a terminal: boxes and lines, or a list of the edges when that is too wide.

Storages are named inside the boxes (``=> Oven`` writes, ``<= Oven`` only reads), and so are arrows that lead
back up (``^ Task``): lines for them would hide the rest.
"""

from __future__ import annotations

from typing import NamedTuple

from selinon_core.graph.layout.char_grid import Canvas, Stroke
from selinon_core.graph.layout.layered_layout import arrange, back_edges
from selinon_core.graph.model import Drawing, Edge, Node
from selinon_core.graph.writers.dot_attributes import CHANGE_SIGNS
from selinon_core.plan.text_wrap import columns, wrap_text

#: Drawings wider than this become lists.
MAX_WIDTH = 180
#: More nodes than this do not fit a terminal; they are listed.
MAX_NODES = 200
_STATES = {"success": "ok", "failure": "FAILED", "mixed": "PARTLY FAILED", "reused": "reused"}
#: corners and lines: top left, horizontal, top right, vertical, bottom left, bottom right
_BORDERS = {
    "task": "╭─╮│╰╯",
    "flow": "╔═╗║╚╝",
    "condition": "┌─┐│└┘",
    "foreach": "╓─╖║╙╜",
    "failure": "┏━┓┃┗┛",
    "handled": "╭─╮│╰╯",
}


class _Box(NamedTuple):
    lines: tuple[str, ...]
    border: str  #: "" is text without a box

    @property
    def width(self) -> int:
        inner = max((len(columns(line)) for line in self.lines), default=1)
        # odd, so that every box has a middle column and lines between boxes need no jog
        return (inner + 4 if self.border else max(inner, 3)) | 1

    @property
    def height(self) -> int:
        return len(self.lines) + (2 if self.border else 0)


def to_ascii(drawing: Drawing, *, max_width: int = MAX_WIDTH) -> str:
    """Return the drawing as lines of text with box-drawing characters; if wider than ``max_width``, a list."""
    head = [drawing.title, *(line for note in drawing.notes for line in wrap_text(note, max_width))]
    body = _drawn(drawing) if len(drawing.nodes) <= MAX_NODES else _listed(drawing)
    if max((len(columns(line)) for line in body), default=0) > max_width:
        body = _listed(drawing)
    lines = [*head, "", *body, "", *_data(drawing), *_legend(drawing)]
    return "\n".join(line.rstrip() for line in lines).rstrip() + "\n"


def _drawn(drawing: Drawing) -> list[str]:
    nodes = [node for node in drawing.nodes if node.kind != "storage"]
    number = {node.id: i for i, node in enumerate(nodes)}
    edges = [edge for edge in drawing.edges if edge.kind not in ("store", "data")]
    pairs = [(number[edge.source], number[edge.target]) for edge in edges]
    back = back_edges(len(nodes), pairs)
    boxes: list[_Box] = [_box(node, drawing) for node in nodes]
    titles = [_title(node) or node.kind for node in nodes]
    for i in sorted(back):
        source, target = pairs[i]
        words = f" ({' '.join(edges[i].label)})" if edges[i].label else ""
        back_arrow = f"^ {CHANGE_SIGNS.get(edges[i].change, '')}{titles[target]}{words}"
        boxes[source] = boxes[source]._replace(lines=(*boxes[source].lines, back_arrow))
    links: list[tuple[int, int]] = []
    strokes: list[Stroke] = []
    for i, edge in enumerate(edges):
        if i in back:
            continue
        source, target = pairs[i]
        stroke = Stroke(edge.kind == "fallback" or edge.dead or edge.change == "removed", edge.arrow)
        label = _edge_label(edge)
        if label:
            boxes.append(_Box(label, ""))
            links.append((source, len(boxes) - 1))
            strokes.append(stroke._replace(arrow=False))
            source = len(boxes) - 1
        links.append((source, target))
        strokes.append(stroke)
    layout = arrange([box.width for box in boxes], links)
    canvas = Canvas(layout, [box.height for box in boxes], strokes)
    for i, box in enumerate(boxes):
        canvas.put(i, _box_lines(box))
    return canvas.lines()


def _edge_label(edge: Edge) -> tuple[str, ...]:
    sign = CHANGE_SIGNS.get(edge.change, "").strip()
    if edge.label:
        return (f"{sign} {edge.label[0]}".strip(), *edge.label[1:])
    return (sign,) if sign and edge.arrow else ()


def _title(node: Node) -> str:
    return CHANGE_SIGNS.get(node.change, "") + node.title if node.title else ""


def _box(node: Node, drawing: Drawing) -> _Box:
    if node.kind == "start":
        return _Box((" ● ",), "")
    if node.kind == "end":
        return _Box((" ◎ ",), "")
    if node.kind == "join":
        return _Box(("━━ all of ━━",), "")
    first, *rest = node.lines or (node.title,)
    lines = [CHANGE_SIGNS.get(node.change, "") + first, *rest, *node.notes]
    if drawing.run and node.state in _STATES:
        lines[0] = f"{lines[0]}: {_STATES[node.state]}"
    if node.dead and node.kind in {"task", "flow"}:
        lines.append("(never)")
    for edge in drawing.edges:
        if edge.kind == "store" and node.id in (edge.source, edge.target):
            arrow, other = ("=>", edge.target) if edge.source == node.id else ("<=", edge.source)
            storage = next(each.title for each in drawing.nodes if each.id == other)
            lines.append(f"{CHANGE_SIGNS.get(edge.change, '')}{arrow} {storage}")
    return _Box(tuple(lines), node.kind)


def _box_lines(box: _Box) -> list[str]:
    width = box.width
    if not box.border:
        return [_centred(line, width) for line in box.lines]
    top_left, flat, top_right, side, bottom_left, bottom_right = list(_BORDERS[box.border])
    rows = [top_left + flat * (width - 2) + top_right]
    rows.extend(f"{side} {_centred(line, width - 4)} {side}" for line in box.lines)
    rows.append(bottom_left + flat * (width - 2) + bottom_right)
    return rows


def _centred(line: str, width: int) -> str:
    room = width - len(columns(line))
    return " " * (room // 2) + line + " " * (room - room // 2)


def _listed(drawing: Drawing) -> list[str]:
    """Write a line per edge and failures entry, in the order of the file."""
    lines: dict[tuple[str, ...], str] = {}
    for edge in drawing.edges:
        if edge.place is None or edge.facts in lines or edge.kind == "data":
            continue
        line = CHANGE_SIGNS.get(edge.change, "") + ", ".join(edge.facts[:-1])  # the last fact is the place
        if edge.considered is not None:
            line += f" ({edge.fired}/{edge.considered})"
        lines[edge.facts] = line + (" (never)" if edge.dead else "")
    return list(lines.values())


def _data(drawing: Drawing) -> list[str]:
    """Write who reads whose result, a line for each arrow of data."""
    lines = [edge.facts[0] for edge in drawing.edges if edge.kind == "data"]
    return [*dict.fromkeys(lines), ""] if lines else []


def _legend(drawing: Drawing) -> list[str]:
    kinds = {node.kind for node in drawing.nodes}
    texts = {
        "task": "╭╮ task",
        "flow": "╔╗ sub-flow",
        "condition": "┌┐ condition",
        "foreach": "╓╖ fan-out",
        "failure": "┏┓ fallback",
    }
    shown = [text for kind, text in texts.items() if kind in kinds]
    return ["   ".join(shown)] if len(shown) > 1 else []


_PLAIN = str.maketrans(
    {
        **dict.fromkeys("╭╮╰╯╔╗╚╝┌┐└┘╓╖╙╜┏┓┗┛├┤┬┴┼", "+"),
        **dict.fromkeys("─━", "-"),
        **dict.fromkeys("═", "="),
        **dict.fromkeys("│┃║╵╷", "|"),
        **dict.fromkeys("╎", ":"),
        **dict.fromkeys("╌╴╶", "."),
        "▼": "v",
        "●": "o",
        "◎": "@",
        "\u00d7": "x",
        "\u2212": "-",
        "→": ">",
        "…": "~",
        "\u00b7": ",",
    }
)


def without_unicode(text: str) -> str:
    """Return a drawing for terminals that know nothing but ASCII; every character stands for one."""
    return text.translate(_PLAIN)
