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

The places of tasks have the same keys under ``task_limit:``, but no cursor.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from selinon_core.celery.stores.limits import MOST_PRIORITY, LimitPlace, LimitState, LimitStep, Placed
from selinon_core.celery.stores.redis.limit_scripts import ALLOW, CLAIM, GIVE_BACK, HELD, STATE, TEND

#: Larger than a time: runs that wait are sorted by one number, first by priority.
_PER_PRIORITY = 1e10


class _RedisPlaces:
    """Looks at places. ``run_script(script, *arguments)`` and ``call(command, *arguments)`` give the answers."""

    _part: str

    def __init__(self, run_script: Callable[..., Any], call: Callable[..., Any], prefix: str) -> None:
        self._run_script = run_script
        self._call = call
        self._prefix = prefix + self._part

    def holds(self, key: str, run: str) -> bool:
        """See ``Limits.holds``."""
        return self._call("zscore", f"{self._prefix}h:{key}", run) is not None

    def state(self, key: str) -> LimitState:
        """See ``Limits.state``."""
        most, holders, waiting = self._run_script(STATE, key, self._part)
        return LimitState(int(most), [place_of(text) for text in holders], [place_of(text) for text in waiting])

    def waiting_by_name(self) -> Mapping[str, int]:
        """See ``Limits.waiting_by_name``."""
        found = self._call("hgetall", self._prefix + "names")
        return {name: int(number) for name, number in found.items() if int(number) > 0}


class RedisLimits(_RedisPlaces):
    """See ``Limits``."""

    _part = "limit:"

    def allow(self, key: str, max: int, now: float) -> list[LimitPlace]:
        """See ``Limits.allow``."""
        return [place_of(text) for text in self._run_script(ALLOW, f"{now:.6f}", key, max)]

    def tend(self, now: float, most: int) -> list[LimitPlace]:
        """See ``Limits.tend``."""
        return [place_of(text) for text in self._run_script(TEND, f"{now:.6f}", most)]


class RedisTaskLimits(_RedisPlaces):
    """See ``TaskLimits``."""

    _part = "task_limit:"
    _cursor = 0

    def claim(self, place: LimitPlace, max: int, now: float) -> Placed:
        """See ``TaskLimits.claim``."""
        holds, granted = self._run_script(CLAIM, f"{now:.6f}", json.dumps(place), max, _score(place))
        return Placed(bool(holds), [place_of(text) for text in granted])

    def give_back(self, place: LimitPlace, now: float) -> Sequence[LimitPlace]:
        """See ``TaskLimits.give_back``."""
        return [place_of(text) for text in self._run_script(GIVE_BACK, f"{now:.6f}", json.dumps(place))]

    def of(self, runs: Sequence[str]) -> Mapping[str, tuple[LimitPlace, bool]]:
        """See ``TaskLimits.of``."""
        texts: list[str] = []
        for begin in range(0, len(runs), 500):
            texts += filter(None, self._call("hmget", self._prefix + "places", list(runs[begin : begin + 500])))
        return {place.run: (place, held) for place, held in self._held(texts)}

    def some(self, most: int) -> Sequence[tuple[LimitPlace, bool]]:
        """See ``TaskLimits.some``."""
        self._cursor, found = self._call("hscan", self._prefix + "places", cursor=self._cursor, count=most)
        return self._held(list(found.values()))

    def _held(self, texts: list[str]) -> list[tuple[LimitPlace, bool]]:
        held: list[int] = []
        for begin in range(0, len(texts), 500):
            held += self._run_script(HELD, *texts[begin : begin + 500])
        return [(place_of(text), bool(each)) for text, each in zip(texts, held, strict=True)]


def commit_argument(step: LimitStep) -> str:
    """A step about a place as an argument of the script that commits."""
    place = step.place
    asked = {"action": step.action, "max": step.max, "place": place, "score": _score(place)}
    return json.dumps({**asked, "text": json.dumps(place)})


def _score(place: LimitPlace) -> str:
    return f"{(MOST_PRIORITY - place.priority) * _PER_PRIORITY + place.at:.6f}"


def place_of(text: str) -> LimitPlace:
    """The place in a text."""
    return LimitPlace(*json.loads(text))
