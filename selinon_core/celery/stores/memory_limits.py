"""The places of limits in the memory of one process; see ``Limits``."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from selinon_core.celery.stores.limits import BEGIN, END, TAKE, LimitPlace, LimitState, LimitStep, Placed


class _Key:
    """The places under a key."""

    def __init__(self) -> None:
        self.max = 0
        self.holders: dict[str, LimitPlace] = {}
        self.waiting: dict[str, LimitPlace] = {}


class MemoryLimits:
    """See ``Limits``. Shares the lock of its store.

    ``is_running(run)`` says whether a run has not ended. ``admit(run, now)`` says whether one that waits still
    wants its place, and makes it due.
    """

    def __init__(
        self, lock: threading.RLock, is_running: Callable[[str], bool], admit: Callable[[str, float], bool]
    ) -> None:
        self._lock = lock
        self._is_running = is_running
        self._admit = admit
        self._keys: dict[str, _Key] = {}

    def refuses(self, step: LimitStep) -> bool:
        """Whether a commit with this step is refused."""
        key, run = self._keys.get(step.place.key, _Key()), step.place.run
        if step.action == BEGIN:
            return run not in key.holders
        return step.action == TAKE and run not in key.holders and bool(key.waiting or len(key.holders) >= step.max)

    def apply(self, step: LimitStep, now: float) -> Placed:
        """Make the changes of a step that is not refused."""
        place = step.place
        if step.action == END:
            return Placed(False, self._leave(place.key, place.run, now))
        key = self._keys.setdefault(place.key, _Key())
        key.max = step.max
        if place.run not in key.holders:
            key.waiting.setdefault(place.run, place)
        granted = self._grant(key, now)
        return Placed(place.run in key.holders, [each for each in granted if each.run != place.run])

    def _grant(self, key: _Key, now: float, own: str = "") -> list[LimitPlace]:
        granted = []
        for place in sorted(key.waiting.values(), key=lambda place: place.order):
            if len(key.holders) >= key.max:
                break
            del key.waiting[place.run]
            if place.run == own or self._admit(place.run, now):
                key.holders[place.run] = place
                granted.append(place)
        return granted

    def _leave(self, name: str, run: str, now: float) -> list[LimitPlace]:
        key = self._keys.get(name)
        if key is None:
            return []
        key.holders.pop(run, None)
        key.waiting.pop(run, None)
        granted = self._grant(key, now)
        if not (key.holders or key.waiting):
            del self._keys[name]
        return granted

    def holds(self, key: str, run: str) -> bool:
        """See ``Limits.holds``."""
        with self._lock:
            return run in self._keys.get(key, _Key()).holders

    def state(self, key: str) -> LimitState:
        """See ``Limits.state``."""
        with self._lock:
            found = self._keys.get(key, _Key())
            holders = sorted(found.holders.values(), key=lambda place: (place.at, place.run))
            return LimitState(found.max, holders, sorted(found.waiting.values(), key=lambda place: place.order))

    def waiting_by_name(self) -> Mapping[str, int]:
        """See ``Limits.waiting_by_name``."""
        with self._lock:
            return dict(Counter(place.name for key in self._keys.values() for place in key.waiting.values()))

    def allow(self, key: str, max: int, now: float) -> list[LimitPlace]:
        """See ``Limits.allow``."""
        with self._lock:
            found = self._keys.get(key)
            if found is None:
                return []
            found.max = max
            granted = self._grant(found, now)
            if not (found.holders or found.waiting):
                del self._keys[key]
            return granted

    def tend(self, now: float, most: int) -> list[LimitPlace]:
        """See ``Limits.tend``."""
        granted: list[LimitPlace] = []
        with self._lock:
            for name, key in list(self._keys.items()):
                for run in [*key.holders, *key.waiting]:
                    if not self._is_running(run):
                        granted += self._leave(name, run, now)
                granted += self._grant(key, now)
        return granted


class MemoryTaskLimits(MemoryLimits):
    """See ``TaskLimits``."""

    def claim(self, place: LimitPlace, max: int, now: float) -> Placed:
        """See ``TaskLimits.claim``."""
        granted: list[LimitPlace] = []
        with self._lock:
            for name, other in list(self._keys.items()):
                if name != place.key and (place.run in other.holders or place.run in other.waiting):
                    granted += self._leave(name, place.run, now)
            key = self._keys.setdefault(place.key, _Key())
            key.max = max
            if place.run in key.holders:
                key.holders[place.run] = place
            else:
                key.waiting.setdefault(place.run, place)
            granted += self._grant(key, now, place.run)
            holds = place.run in key.holders
            if holds:
                key.holders[place.run] = place
            if not (key.holders or key.waiting):
                del self._keys[place.key]
            return Placed(holds, [each for each in granted if each.run != place.run])

    def give_back(self, place: LimitPlace, now: float) -> Sequence[LimitPlace]:
        """See ``TaskLimits.give_back``."""
        with self._lock:
            key = self._keys.get(place.key, _Key())
            found = key.holders.get(place.run) or key.waiting.get(place.run)
            return self._leave(place.key, place.run, now) if found == place else []

    def of(self, runs: Sequence[str]) -> Mapping[str, tuple[LimitPlace, bool]]:
        """See ``TaskLimits.of``."""
        wanted = set(runs)
        return {place.run: (place, held) for place, held in self.some(0) if place.run in wanted}

    def some(self, most: int) -> Sequence[tuple[LimitPlace, bool]]:
        """See ``TaskLimits.some``; these are all."""
        with self._lock:
            return [
                (place, places is key.holders)
                for key in self._keys.values()
                for places in (key.holders, key.waiting)
                for place in places.values()
            ]
