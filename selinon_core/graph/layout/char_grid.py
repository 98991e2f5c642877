"""A grid of characters on which a layered layout is drawn, lines between the ranks included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from selinon_core.graph.layout.layered_layout import Layout
from selinon_core.plan.text_wrap import columns

_UP, _RIGHT, _DOWN, _LEFT = 1, 2, 4, 8
_JOINTS = " ╵╶└╷│┌├╴┘─┴┐┤┬┼"


class Stroke(NamedTuple):
    """How a line looks."""

    dashed: bool
    arrow: bool


class _Net:
    """The lines that leave a cell together: one trunk, one horizontal track, one end per target."""

    def __init__(self, source: int, dashed: bool) -> None:
        self.source = source
        self.dashed = dashed
        self.targets: list[int] = []
        self.port = 0
        self.track = 0


class Canvas:
    """Draws a layout; ``heights`` and ``strokes`` are by node and by edge of it."""

    def __init__(self, layout: Layout, heights: Sequence[int], strokes: Sequence[Stroke]) -> None:
        self._layout = layout
        self._middle = [left + width // 2 for left, width in zip(layout.left, layout.width, strict=True)]
        self._heights = [*heights, *([1] * (len(layout.width) - len(heights)))]
        self._nodes = len(heights)
        self._rows: list[list[str]] = []
        self._top: dict[int, int] = {}
        self._columns = max((left + w for left, w in zip(layout.left, layout.width, strict=True)), default=0)
        for level, rank in enumerate(layout.ranks):
            self._rank(rank)
            if level + 1 < len(layout.ranks):
                self._lines_below(rank, strokes)

    def put(self, node: int, lines: Sequence[str]) -> None:
        """Write a node's lines to its place, over its frame; where lines leave, its lower border shows it."""
        top, left = self._top[node], self._layout.left[node]
        for i, line in enumerate(lines):
            cells = columns(line)
            self._rows[top + i][left : left + len(cells)] = cells

    def lines(self) -> list[str]:
        """Return the rows of the grid."""
        return ["".join(row) for row in self._rows]

    def _blank(self, count: int) -> int:
        """Append rows; return the number of the first."""
        first = len(self._rows)
        self._rows.extend([" "] * self._columns for _ in range(count))
        return first

    def _rank(self, rank: list[int]) -> None:
        height = max(self._heights[cell] for cell in rank)
        first = self._blank(height)
        for cell in rank:
            self._top[cell] = first

    def _lines_below(self, rank: list[int], strokes: Sequence[Stroke]) -> None:
        nets, arrows, dashed_ends = self._nets(rank, strokes)
        self._ports(nets)
        tracks = self._tracks(nets)
        first = self._blank(tracks + 1)
        self._trunks(rank, nets, first)
        marks: dict[tuple[int, int], list[tuple[int, int]]] = {}  # cell -> (directions, net)
        for i, net in enumerate(nets):
            row = first + net.track
            for y in range(first, row):
                marks.setdefault((y, net.port), []).append((_UP | _DOWN, i))
            ends = [self._middle[target] for target in net.targets]
            for x in range(min(net.port, *ends), max(net.port, *ends) + 1):
                directions = _LEFT * (x > min(net.port, *ends)) | _RIGHT * (x < max(net.port, *ends))
                directions |= _UP * (x == net.port) | _DOWN * (x in ends)
                marks.setdefault((row, x), []).append((directions, i))
            for x in ends:
                for y in range(row + 1, first + tracks + 1):
                    marks.setdefault((y, x), []).append((_UP | _DOWN, i))
        for (y, x), found in marks.items():
            self._rows[y][x] = self._joint(found, nets)
        last = first + tracks
        for target in {target for net in nets for target in net.targets}:
            x = self._middle[target]
            if target in arrows:
                self._rows[last][x] = "▼"
            elif target in dashed_ends:
                self._rows[last][x] = "╎"

    def _nets(self, rank: list[int], strokes: Sequence[Stroke]) -> tuple[list[_Net], set[int], set[int]]:
        members = set(rank)
        nets: dict[tuple[int, bool], _Net] = {}
        arrows: set[int] = set()
        dashed: set[int] = set()
        for source, target, number in self._layout.links:
            if source not in members:
                continue
            stroke = strokes[number]
            net = nets.setdefault((source, stroke.dashed), _Net(source, stroke.dashed))
            if target not in net.targets:
                net.targets.append(target)
            if stroke.arrow and target < self._nodes:
                arrows.add(target)
            if stroke.dashed:
                dashed.add(target)
        place = {cell: i for i, cell in enumerate(rank)}
        ordered = sorted(nets.values(), key=lambda net: (place[net.source], self._aim(net), net.dashed))
        return ordered, arrows, dashed

    def _aim(self, net: _Net) -> float:
        """Where a net leads on average: trunks of one cell stand in this order, so that they do not cross."""
        return sum(self._middle[target] for target in net.targets) / len(net.targets)

    def _ports(self, nets: list[_Net]) -> None:
        """Give each trunk a column of its own that no foreign line comes down in."""
        ends: dict[int, set[int]] = {}
        for i, net in enumerate(nets):
            for target in net.targets:
                ends.setdefault(self._middle[target], set()).add(i)
        taken: set[int] = set()
        for i, net in enumerate(nets):
            left, width = self._layout.left[net.source], self._layout.width[net.source]
            middle = self._middle[net.source]
            siblings = [each for each in nets if each.source == net.source]
            wish = middle + 2 * siblings.index(net) - (len(siblings) - 1)
            free = [x for x in range(left, left + width) if x not in taken]
            fits = [x for x in free if i in ends.get(x, {i})]
            net.port = min(fits or free or [middle], key=lambda x: (abs(x - wish), x))
            taken.add(net.port)

    def _tracks(self, nets: list[_Net]) -> int:
        """Give each net a row for its horizontal line in which no other's overlaps; return how many rows."""
        ends: list[list[tuple[int, int]]] = []
        for net in sorted(nets, key=lambda n: min(n.port, *(self._middle[t] for t in n.targets))):
            columns = [net.port, *(self._middle[target] for target in net.targets)]
            low, high = min(columns), max(columns)
            if low == high:
                continue  # a straight line crosses every row
            apart = (all(high < a - 1 or b + 1 < low for a, b in used) for used in ends)
            net.track = next((track for track, fits in enumerate(apart) if fits), len(ends))
            if net.track == len(ends):
                ends.append([])
            ends[net.track].append((low, high))
        return max(len(ends), 1)

    def _trunks(self, rank: list[int], nets: list[_Net], first: int) -> None:
        """Lengthen the lines of cells that are lower than their rank, and of places that are passed."""
        for cell in rank:
            top = self._top[cell]
            leaving = [net for net in nets if net.source == cell]
            start = top if cell >= self._nodes else top + self._heights[cell]
            for net in leaving:
                for y in range(start, first):
                    self._rows[y][net.port] = "╎" if net.dashed else "│"

    def _joint(self, found: list[tuple[int, int]], nets: list[_Net]) -> str:
        """Return the character where lines meet; lines that only cross are not joined, the vertical is on top."""
        vertical = {net for directions, net in found if directions & (_UP | _DOWN)}
        joined = 0
        for directions, net in found:
            if not vertical or net in vertical:
                joined |= directions
        alone = {net for _, net in found}
        dashed = all(nets[net].dashed for net in (vertical or alone))
        if joined in (_UP | _DOWN, _LEFT | _RIGHT) and dashed:
            return "╎" if joined & _UP else "╌"
        return _JOINTS[joined]
