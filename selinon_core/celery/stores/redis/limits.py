"""The places of limits in Redis; see ``Limits``.

| key | type | holds |
| --- | --- | --- |
| ``limit:h:KEY`` | sorted set | the runs that hold a place, by their age |
| ``limit:w:KEY`` | sorted set | the runs that wait, the next one first |
| ``limit:places`` | hash | the place of each of these runs, as JSON |
| ``limit:max`` | hash | how many may hold a place, by key |
| ``limit:keys`` | set | the keys for which runs wait |
| ``limit:names`` | hash | how many runs wait, by the flow whose limit it is |
| ``limit:cursor`` | text | where ``tend`` goes on |
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from selinon_core.celery.stores.limits import MOST_PRIORITY, LimitPlace, LimitState, LimitStep
from selinon_core.celery.stores.redis.limit_scripts import ALLOW, STATE, TEND

#: Larger than a time: runs that wait are sorted by one number, first by priority.
_PER_PRIORITY = 1e10


class RedisLimits:
    """See ``Limits``. ``run_script(script, *arguments)`` and ``call(command, *arguments)`` give the answers."""

    def __init__(self, run_script: Callable[..., Any], call: Callable[..., Any], prefix: str) -> None:
        self._run_script = run_script
        self._call = call
        self._prefix = prefix + "limit:"

    def holds(self, key: str, run: str) -> bool:
        """See ``Limits.holds``."""
        return self._call("zscore", f"{self._prefix}h:{key}", run) is not None

    def state(self, key: str) -> LimitState:
        """See ``Limits.state``."""
        most, holders, waiting = self._run_script(STATE, key)
        return LimitState(int(most), [place_of(text) for text in holders], [place_of(text) for text in waiting])

    def waiting_by_name(self) -> Mapping[str, int]:
        """See ``Limits.waiting_by_name``."""
        found = self._call("hgetall", self._prefix + "names")
        return {name: int(number) for name, number in found.items() if int(number) > 0}

    def allow(self, key: str, max: int, now: float) -> list[LimitPlace]:
        """See ``Limits.allow``."""
        return [place_of(text) for text in self._run_script(ALLOW, f"{now:.6f}", key, max)]

    def tend(self, now: float, most: int) -> list[LimitPlace]:
        """See ``Limits.tend``."""
        return [place_of(text) for text in self._run_script(TEND, f"{now:.6f}", most)]


def commit_argument(step: LimitStep) -> str:
    """A step about a place as an argument of the script that commits."""
    place = step.place
    score = (MOST_PRIORITY - place.priority) * _PER_PRIORITY + place.at
    asked = {"action": step.action, "max": step.max, "place": place, "score": f"{score:.6f}"}
    return json.dumps({**asked, "text": json.dumps(place)})


def place_of(text: str) -> LimitPlace:
    """The place in a text."""
    return LimitPlace(*json.loads(text))
