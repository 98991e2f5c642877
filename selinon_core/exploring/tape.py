"""Tapes of choices: a run asks for every choice it makes, and the next tape differs in the last one that can.

Runs are started over with a prefix of choices. Copying a machine in the middle of a run would cost more than the
few events that lead there.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random


class Tape:
    """Depth first over all choices. ``choices`` are those of the present run."""

    __slots__ = ("arities", "at", "choices")

    def __init__(self, choices: Sequence[int] = ()) -> None:
        self.choices = list(choices)
        self.arities = [choice + 1 for choice in choices]
        self.at = 0

    def choose(self, arity: int) -> int:
        """One of ``arity`` alternatives; the first one beyond the prefix."""
        if arity == 1:
            return 0
        at = self.at
        self.at = at + 1
        if at < len(self.choices):
            return self.choices[at]
        self.choices.append(0)
        self.arities.append(arity)
        return 0

    def advance(self) -> bool:
        """Prepare the next run; False when every choice was tried."""
        choices, arities = self.choices, self.arities
        del choices[self.at :], arities[self.at :]
        self.at = 0
        while choices:
            if choices[-1] + 1 < arities[-1]:
                choices[-1] += 1
                return True
            choices.pop()
            arities.pop()
        return False


class RandomTape(Tape):
    """Random choices that prefer pairs of alternatives which no earlier tape had together.

    A choice is known by its position on the tape, so pairs are covered as far as tapes are alike.
    """

    __slots__ = ("_random", "_seen")

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = Random(seed)  # noqa: S311 (nothing secret: the same tapes each time)
        self._seen: set[tuple[int, int, int, int]] = set()

    def choose(self, arity: int) -> int:
        """One of ``arity`` alternatives: with even chances one with the most new pairs, or any."""
        if arity == 1:
            return 0
        at = self.at
        self.at = at + 1
        first = self._random.randrange(arity)
        chosen = first
        if self._random.random() < 0.5:
            chosen = max(((first + shift) % arity for shift in range(arity)), key=self._new_pairs)
        self.choices.append(chosen)
        self.arities.append(arity)
        return chosen

    def _new_pairs(self, alternative: int) -> int:
        at = len(self.choices)
        return sum(
            (other, choice, at, alternative) not in self._seen
            for other, choice in enumerate(self.choices[-12:], max(0, at - 12))
        )

    def advance(self) -> bool:
        """Prepare the next run; there always is one."""
        for at, choice in enumerate(self.choices):
            for other in range(max(0, at - 12), at):
                self._seen.add((other, self.choices[other], at, choice))
        self.choices = []
        self.arities = []
        self.at = 0
        return True
