"""Schedules in Redis; see ``Schedules``.

| key | type | holds |
| --- | --- | --- |
| ``s:rows`` | hash | rows as JSON, by name and rule |
| ``s:pauses`` | hash | pauses as JSON lists, by name |
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from selinon_core.celery.stores.schedules import Pause, ScheduleRow, read_row, row_text

#: Prefix; field, version that was read, new text.
_PUT = """
local key = KEYS[1] .. 's:rows'
local there = redis.call('HGET', key, ARGV[1])
local version = there and cjson.decode(there).version or 0
if version ~= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', key, ARGV[1], ARGV[3])
return 1
"""
#: Prefix; field, text that was read.
_REMOVE = """
local key = KEYS[1] .. 's:rows'
if redis.call('HGET', key, ARGV[1]) == ARGV[2] then redis.call('HDEL', key, ARGV[1]) end
return 1
"""

#: ``evaluate(script, *arguments)``: the answer of a script that has the prefix of the store as its key.
Evaluate = Callable[..., Any]


class RedisSchedules:
    """See ``Schedules``. ``prefix`` begins the keys of the store."""

    def __init__(self, evaluate: Evaluate, call: Evaluate, prefix: str) -> None:
        self._evaluate = evaluate
        self._call = call
        self._prefix = prefix

    def rows(self) -> list[ScheduleRow]:
        """See ``Schedules.rows``."""
        return sorted(read_row(text) for text in self._call("hvals", self._prefix + "s:rows"))

    def put(self, row: ScheduleRow) -> bool:
        """See ``Schedules.put``."""
        text = row_text(row._replace(version=row.version + 1))
        return bool(self._evaluate(_PUT, _field(row), row.version, text))

    def forget(self, before: float) -> None:
        """See ``Schedules.forget``."""
        for field, text in self._call("hgetall", self._prefix + "s:rows").items():
            absent = read_row(text).absent
            if absent is not None and absent < before:
                self._evaluate(_REMOVE, field, text)

    def pauses(self) -> dict[str, Pause]:
        """See ``Schedules.pauses``."""
        found = self._call("hgetall", self._prefix + "s:pauses")
        return {name: Pause(*json.loads(text)[:3]) for name, text in found.items()}

    def set_pause(self, name: str, pause: Pause) -> None:
        """See ``Schedules.set_pause``."""
        self._call("hset", self._prefix + "s:pauses", name, json.dumps(list(pause)))


def _field(row: ScheduleRow) -> str:
    return json.dumps([row.name, row.rule])
