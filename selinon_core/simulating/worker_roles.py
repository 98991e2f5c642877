"""Workers of a schedule by what they did: two schedules that differ only in names of workers are one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class WorkerRoles:
    """Workers of one schedule as numbers, in the order in which they took their first message.

    ``all_differ``: workers have different clocks or files, so each has a role of its own from the beginning.
    """

    def __init__(self, workers: Sequence[str], all_differ: bool) -> None:
        self._workers = workers
        self._of = {name: number for number, name in enumerate(workers)} if all_differ else {}

    def taken_by(self, worker: str) -> int:
        """The role of a worker that takes a message."""
        return self._of.setdefault(worker, len(self._of))

    def of(self, idle: Iterable[str]) -> tuple[int, ...]:
        """The roles of those workers that are idle; one that has none yet is always idle."""
        return tuple(sorted(self._of[name] for name in idle if name in self._of))

    def names(self, idle: tuple[int, ...]) -> list[str]:
        """The other way round."""
        found = self._of
        return [name for name in self._workers if name not in found or found[name] in idle]
