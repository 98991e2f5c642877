"""The audit in Redis; see ``Audit``.

| key | type | holds |
| --- | --- | --- |
| ``audit`` | sorted set | the newest entries by their time: id, a space, the entry as JSON |
| ``audit:r:RUN`` | sorted set | those of them that are about a run |
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from selinon_core.celery.stores.audit import MOST_ENTRIES, AuditEntry, AuditPage
from selinon_core.celery.stores.redis.newest_first import newest_first

#: ``evaluate(script, *arguments)``: the answer of a script that has the prefix of the store as its key.
Evaluate = Callable[..., Any]

_FORGET = """
local S = KEYS[1]
local function forget(entries)
  for _, entry in ipairs(entries) do
    local run = cjson.decode(string.match(entry, '^%S+ (.*)$')).run
    redis.call('ZREM', S .. 'audit', entry)
    if type(run) == 'string' then redis.call('ZREM', S .. 'audit:r:' .. run, entry) end
  end
  return #entries
end
"""

#: ARGV: time, entry, run or an empty text, how many entries are kept.
_WRITE = (
    _FORGET
    + """
redis.call('ZADD', S .. 'audit', ARGV[1], ARGV[2])
if ARGV[3] ~= '' then redis.call('ZADD', S .. 'audit:r:' .. ARGV[3], ARGV[1], ARGV[2]) end
local over = redis.call('ZCARD', S .. 'audit') - tonumber(ARGV[4])
if over > 0 then forget(redis.call('ZRANGE', S .. 'audit', 0, over - 1)) end
return 1
"""
)

#: ARGV: a time, how many at most.
_TRIM = (
    _FORGET
    + """
return forget(redis.call('ZRANGEBYSCORE', S .. 'audit', '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[2]))
"""
)


class RedisAudit:
    """See ``Audit``. ``prefix`` begins the keys of the store; the newest ``most`` entries are kept."""

    def __init__(self, evaluate: Evaluate, call: Evaluate, prefix: str, most: int = MOST_ENTRIES) -> None:
        self._evaluate = evaluate
        self._call = call
        self._prefix = prefix
        self._most = most

    def write(self, entry: AuditEntry) -> None:
        """See ``Audit.write``."""
        text = json.dumps({**entry._asdict(), "details": dict(entry.details)})
        self._evaluate(_WRITE, repr(entry.at), f"{entry.id} {text}", entry.run or "", self._most)

    def read(self, run: str | None = None, cursor: str | None = None, limit: int = 50) -> AuditPage:
        """See ``Audit.read``."""
        key = f"{self._prefix}audit" + ("" if run is None else f":r:{run}")
        return AuditPage(*newest_first(self._call, key, cursor, limit, _entries))

    def trim(self, before: float, limit: int) -> int:
        """See ``Audit.trim``."""
        return int(self._evaluate(_TRIM, repr(before), limit))


def _entries(members: Sequence[str]) -> list[AuditEntry]:
    return [AuditEntry(**json.loads(member.partition(" ")[2])) for member in members]
