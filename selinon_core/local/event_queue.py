"""What is due when, on a clock that jumps (or, if asked to, on the real one)."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from typing import Protocol


class Step(Protocol):
    """Something that is to happen."""

    def run(self) -> None:
        """Let it happen."""

    def is_obsolete(self) -> bool:
        """Whether ``run`` would do nothing, and time need not pass for it."""


class EventQueue:
    """Steps by due time. ``now`` counts seconds from the start of the run.

    Steps due at the same time come in the order they were added, or in an order drawn from ``seed``.
    """

    def __init__(self, seed: int) -> None:
        self.now = 0.0
        self._due: deque[Step] = deque()
        self._later: list[tuple[float, float, int, Step]] = []
        self._count = itertools.count()
        # The order must be reproducible, not unpredictable.
        self._shuffle = random.Random(seed).random if seed else None  # noqa: S311

    def add(self, delay: float, step: Step) -> None:
        """Make a step due in ``delay`` seconds."""
        if delay <= 0 and self._shuffle is None:
            self._due.append(step)
            return
        tie = self._shuffle() if self._shuffle is not None else 0.0
        due = self.now + max(delay, 0.0)
        heapq.heappush(self._later, (due, tie, next(self._count), step))

    def take_due(self) -> Step | None:
        """Remove and return a step that is due now."""
        # Steps whose time has come were added before those that became due at once at this very time.
        if self._later and self._later[0][0] <= self.now:
            return heapq.heappop(self._later)[3]
        return self._due.popleft() if self._due else None

    def next_time(self) -> float | None:
        """When the next step that is not due yet will be; None when there is none."""
        return self._later[0][0] if self._later else None

    def drop_obsolete(self) -> None:
        """Forget the next steps as long as they are obsolete, so that time does not pass for them."""
        while self._later and self._later[0][3].is_obsolete():
            heapq.heappop(self._later)
