"""Combinations in which every pair of alternatives of two choices occurs, where all combinations are too many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TypeVar

T = TypeVar("T")


def pairs_covered(choices: Sequence[Sequence[T]]) -> Iterator[tuple[T, ...]]:
    """Yield rows with one alternative of each choice, until every pair of alternatives was in some row."""
    left = {
        (one, a, other, b)
        for one, other in combinations(range(len(choices)), 2)
        for a in range(len(choices[one]))
        for b in range(len(choices[other]))
    }
    while left:
        first = min(left)
        row: dict[int, int] = {first[0]: first[1], first[2]: first[3]}
        for index in range(len(choices)):
            if index not in row:
                row[index] = max(range(len(choices[index])), key=lambda k: (_gain(left, row, index, k), -k))
        left -= {(one, row[one], other, row[other]) for one, other in combinations(range(len(choices)), 2)}
        yield tuple(choices[index][row[index]] for index in range(len(choices)))


def _gain(left: set[tuple[int, int, int, int]], row: dict[int, int], index: int, alternative: int) -> int:
    """How many pairs are new with this alternative."""
    gain = 0
    for other, chosen in row.items():
        pair = (other, chosen, index, alternative) if other < index else (index, alternative, other, chosen)
        gain += pair in left
    return gain
