"""The clock of the state store: leases, timers and heartbeats of all workers go by it, not by their own.

A worker asks the store for its time now and then, and counts from there by its own monotonic clock. So a machine
whose clock is wrong, or is set while it runs, neither takes leases of other workers nor sets timers far from now.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from selinon_core.celery.surroundings import REAL
from selinon_core.errors import StateStoreError

_log = logging.getLogger("selinon")

#: Seconds after which the store is asked again; clocks drift less than a millisecond in that time.
ASK_EVERY = 60.0
#: Seconds between two questions while the store cannot answer, or while the machine's clock is being set.
ASK_AGAIN = 2.0
#: A machine was suspended, or its clock was set, when its two clocks went apart by so many seconds.
STEP = 0.5
#: Seconds between the clocks of machine and store that are worth a warning.
WORTH_A_WARNING = 1.0


class StoreClock:
    """Seconds since the epoch by the store's clock; ``ask`` reads it. The others are the machine's own clocks."""

    def __init__(
        self,
        ask: Callable[[], float],
        wall: Callable[[], float] = REAL.now,
        steady: Callable[[], float] = REAL.monotonic,
    ) -> None:
        self._ask = ask
        self._wall = wall
        self._steady = steady
        self._offset: float | None = None  # what is to be added to the steady clock
        self._between = 0.0  # what was between the machine's clocks when the store was asked
        self._asked_at = float("-inf")
        self._answered = False
        self._warned_of = 0.0

    def __call__(self) -> float:
        steady, wall = self._steady(), self._wall()
        doubtful = not self._answered or abs(wall - steady - self._between) > STEP
        if steady - self._asked_at >= (ASK_AGAIN if doubtful else ASK_EVERY):
            self.measure()
            steady, wall = self._steady(), self._wall()
        return wall if self._offset is None else steady + self._offset

    def measure(self) -> None:
        """Ask the store for its time. While it is unreachable, the last difference stays."""
        before = self._asked_at = self._steady()
        self._answered = False
        try:
            there = self._ask()
        except StateStoreError:
            return
        after, wall = self._steady(), self._wall()
        self._offset = there - (before + after) / 2
        self._between = wall - after
        self._answered = True
        self._warn(wall - (after + self._offset))

    def _warn(self, offset: float) -> None:
        if abs(offset) <= WORTH_A_WARNING or abs(offset - self._warned_of) <= WORTH_A_WARNING:
            return
        self._warned_of = offset
        _log.warning(
            "the clock of this machine is %.1f s %s that of the state store. Flows go by the store's clock; but "
            "Redis as a broker gives the messages of a worker to another one by the clocks of workers, so that "
            "tasks may run twice: synchronise the clocks (NTP)",
            abs(offset),
            "ahead of" if offset > 0 else "behind",
        )
