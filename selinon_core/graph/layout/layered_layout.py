"""A layered layout on a grid of characters: ranks from top to bottom, few crossings, mostly straight lines.

It works on plain numbers: nodes are 0..n-1 with an odd width, edges are pairs, without cycles unless said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

_SWEEPS = 12
_GAP = 3
_DUMMY_WIDTH = 3


class Layout(NamedTuple):
    """Cells by rank, from left to right.

    A cell is a node's number, or a number behind the last node's for a place where a long edge passes.
    ``links`` lead from a cell to one in the next rank and carry the number of the edge they are part of.
    """

    ranks: list[list[int]]
    left: list[int]  #: leftmost column of each cell
    width: list[int]
    links: list[tuple[int, int, int]]


def back_edges(count: int, edges: Sequence[tuple[int, int]]) -> set[int]:
    """Return the numbers of edges to leave out so that no cycle remains, going depth first from low numbers."""
    leaving: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for number, (source, target) in enumerate(edges):
        leaving[source].append((target, number))
    state = [0] * count
    back: set[int] = set()
    for root in range(count):
        if state[root]:
            continue
        state[root] = 1
        stack = [(root, iter(leaving[root]))]
        while stack:
            node, rest = stack[-1]
            for target, number in rest:
                if state[target] == 1:
                    back.add(number)
                elif state[target] == 0:
                    state[target] = 1
                    stack.append((target, iter(leaving[target])))
                    break
            else:
                state[node] = 2
                stack.pop()
    return back


def ranks_passed(count: int, edges: Sequence[tuple[int, int]]) -> int:
    """Return how many ranks edges pass between their ends, cycles or not: with that grows an engine's work."""
    back = back_edges(count, edges)
    rank = _ranks(count, [edge for number, edge in enumerate(edges) if number not in back])
    return sum(max(abs(rank[source] - rank[target]) - 1, 0) for source, target in edges)


def arrange(widths: Sequence[int], edges: Sequence[tuple[int, int]]) -> Layout:
    """Place nodes of the given widths, joined by edges without cycles."""
    rank = _ranks(len(widths), edges)
    width = list(widths)
    links: list[tuple[int, int, int]] = []
    for number, (source, target) in enumerate(edges):
        here = source
        for level in range(rank[source] + 1, rank[target]):
            width.append(_DUMMY_WIDTH)
            rank.append(level)
            links.append((here, len(width) - 1, number))
            here = len(width) - 1
        links.append((here, target, number))
    ranks: list[list[int]] = [[] for _ in range(max(rank, default=-1) + 1)]
    for cell, level in enumerate(rank):
        ranks[level].append(cell)
    above: list[list[int]] = [[] for _ in width]
    below: list[list[int]] = [[] for _ in width]
    for source, target, _ in links:
        below[source].append(target)
        above[target].append(source)
    _order(ranks, above, below)
    return Layout(ranks, _columns(ranks, width, above, below), width, links)


def _ranks(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Put each node one below the lowest of those that lead to it, and sources just above what they lead to."""
    leaving: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for source, target in edges:
        leaving[source].append(target)
        waiting[target] += 1
    roots = {node for node in range(count) if not waiting[node]}
    rank = [0] * count
    ready = sorted(roots)
    order: list[int] = []
    while ready:
        node = ready.pop(0)
        order.append(node)
        for target in leaving[node]:
            rank[target] = max(rank[target], rank[node] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    for node in reversed(order):
        if node in roots and leaving[node]:
            rank[node] = min(rank[target] for target in leaving[node]) - 1
    return rank


def _order(ranks: list[list[int]], above: list[list[int]], below: list[list[int]]) -> None:
    """Sort each rank by the mean position of its neighbours, down and up in turns; keep the best order seen."""
    best = [list(rank) for rank in ranks]
    fewest = _crossings(ranks, below)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        neighbours = above if down else below
        levels = range(1, len(ranks)) if down else range(len(ranks) - 2, -1, -1)
        for level in levels:
            fixed = ranks[level - 1] if down else ranks[level + 1]
            place = {cell: i for i, cell in enumerate(fixed)}
            weights = {}
            for i, cell in enumerate(ranks[level]):
                near = [place[each] for each in neighbours[cell]]
                weights[cell] = sum(near) / len(near) if near else i
            ranks[level].sort(key=weights.__getitem__)
        crossings = _crossings(ranks, below)
        if crossings < fewest:
            best, fewest = [list(rank) for rank in ranks], crossings
    ranks[:] = best


def _crossings(ranks: list[list[int]], below: list[list[int]]) -> int:
    total = 0
    for upper, lower in pairwise(ranks):
        place = {cell: i for i, cell in enumerate(lower)}
        ends = [sorted(place[each] for each in below[cell]) for cell in upper]
        for i, left in enumerate(ends):
            for right in ends[i + 1 :]:
                total += sum(1 for a in left for b in right if b < a)
    return total


def _columns(
    ranks: list[list[int]], width: list[int], above: list[list[int]], below: list[list[int]]
) -> list[int]:
    left = [0.0] * len(width)
    for rank in ranks:
        column = 0
        for cell in rank:
            left[cell] = column
            column += width[cell] + _GAP
    for sweep in range(_SWEEPS):
        neighbours = above if sweep % 2 == 0 else below
        for rank in ranks if sweep % 2 == 0 else reversed(ranks):
            wanted = []
            for cell in rank:
                near = neighbours[cell]
                half = (width[cell] - 1) / 2
                middles = [left[each] + (width[each] - 1) / 2 for each in near]
                wanted.append(sum(middles) / len(middles) - half if near else left[cell])
            for cell, column_found in zip(rank, _spread(wanted, [width[c] for c in rank]), strict=True):
                left[cell] = column_found
    rounded = [0] * len(width)
    for rank in ranks:
        least = -(10**9)
        for cell in rank:
            rounded[cell] = max(math.floor(left[cell] + 0.5), least)
            least = rounded[cell] + width[cell] + _GAP
    start = min(rounded, default=0)
    return [column - start for column in rounded]


def _spread(wanted: list[float], widths: list[int]) -> list[float]:
    """Return columns as near to the wanted ones as their order and widths allow (least squares)."""
    offset, offsets = 0, []
    for each in widths:
        offsets.append(offset)
        offset += each + _GAP
    blocks: list[tuple[float, int]] = []  # mean of (wanted - offset), number of cells
    for column, shift in zip(wanted, offsets, strict=True):
        mean, size = column - shift, 1
        while blocks and blocks[-1][0] > mean:
            other, count = blocks.pop()
            mean = (mean * size + other * count) / (size + count)
            size += count
        blocks.append((mean, size))
    flat = [mean for mean, size in blocks for _ in range(size)]
    return [mean + shift for mean, shift in zip(flat, offsets, strict=True)]
