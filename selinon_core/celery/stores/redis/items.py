"""Items in Redis; see ``Items``.

| key | type | holds |
| --- | --- | --- |
| ``i:KIND`` | sorted set | the ids of a kind, by ``at`` |
| ``i:KIND:t`` | hash | run and text of each as JSON, by id |
| ``i:x`` | sorted set | kind, a space and id of every item, by the time when it expires |
| ``i:r:RUN`` | set | the same of the items that belong to a run |
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from selinon_core.celery.stores.items import Item, ItemPage
from selinon_core.celery.stores.redis.newest_first import newest_first

#: ``call(command, *arguments)``: the answer of a command.
Call = Callable[..., Any]
#: ``together(commands)``: the answers of commands that are carried out in one transaction.
Together = Callable[[Sequence[tuple[Any, ...]]], list[Any]]

#: ARGV: kind, id, at, run, JSON text, expires, 1 if one that is there stays.
_PUT = """
local S, kind, id, run = KEYS[1] .. 'i:', ARGV[1], ARGV[2], ARGV[4]
if ARGV[7] == '1' and redis.call('HEXISTS', S .. kind .. ':t', id) == 1 then return 0 end
redis.call('HSET', S .. kind .. ':t', id, ARGV[5])
redis.call('ZADD', S .. kind, ARGV[3], id)
redis.call('ZADD', S .. 'x', ARGV[6], kind .. ' ' .. id)
if run ~= '' then redis.call('SADD', S .. 'r:' .. run, kind .. ' ' .. id) end
return 1
"""

#: ARGV: kind and id of each item, one after the other.
_REMOVE = """
local S, gone = KEYS[1] .. 'i:', {}
for n = 1, #ARGV, 2 do
  local kind, id = ARGV[n], ARGV[n + 1]
  local text = redis.call('HGET', S .. kind .. ':t', id)
  if text then
    redis.call('HDEL', S .. kind .. ':t', id)
    redis.call('ZREM', S .. kind, id)
    redis.call('ZREM', S .. 'x', kind .. ' ' .. id)
    local run = cjson.decode(text)[1]
    if run ~= '' then redis.call('SREM', S .. 'r:' .. run, kind .. ' ' .. id) end
    gone[#gone + 1] = id
  end
end
return gone
"""

#: ARGV: kind, now, until, how many at most.
_CLAIM = """
local S, kind, found = KEYS[1] .. 'i:', ARGV[1], {}
local due = redis.call('ZRANGEBYSCORE', S .. kind, '-inf', ARGV[2], 'WITHSCORES', 'LIMIT', 0, ARGV[4])
for n = 1, #due, 2 do
  redis.call('ZADD', S .. kind, ARGV[3], due[n])
  found[#found + 1] = {due[n], due[n + 1], redis.call('HGET', S .. kind .. ':t', due[n])}
end
return found
"""


class RedisItems:
    """See ``Items``. ``prefix`` begins the keys of the store."""

    def __init__(self, evaluate: Call, call: Call, together: Together, prefix: str) -> None:
        self._evaluate = evaluate
        self._call = call
        self._together = together
        self._prefix = prefix + "i:"

    def put(self, item: Item, expires: float, *, if_absent: bool = False) -> bool:
        """See ``Items.put``."""
        text = json.dumps([item.run, item.text])
        about = (item.kind, item.id, repr(item.at), item.run, text, repr(expires), int(if_absent))
        return bool(self._evaluate(_PUT, *about))

    def get(self, kind: str, id: str) -> Item | None:
        """See ``Items.get``."""
        found = self._read(kind, [id])
        return found[0] if found else None

    def find(self, kind: str, cursor: str | None = None, limit: int = 50) -> ItemPage:
        """See ``Items.find``."""
        return ItemPage(*newest_first(self._call, self._prefix + kind, cursor, limit, partial(self._read, kind)))

    def of_run(self, kind: str, run: str) -> list[Item]:
        """See ``Items.of_run``."""
        members = [member.partition(" ") for member in self._call("smembers", f"{self._prefix}r:{run}")]
        items = self._read(kind, [id for of_kind, _, id in members if of_kind == kind])
        return sorted(items, key=lambda item: item.position)

    def count(self, kind: str) -> int:
        """See ``Items.count``."""
        return int(self._call("zcard", self._prefix + kind))

    def claim(self, kind: str, now: float, until: float, limit: int) -> list[Item]:
        """See ``Items.claim``."""
        found = self._evaluate(_CLAIM, kind, repr(now), repr(until), limit)
        return [_item(kind, id, float(at), text) for id, at, text in found]

    def remove(self, kind: str, ids: Sequence[str]) -> list[str]:
        """See ``Items.remove``."""
        return list(self._evaluate(_REMOVE, *(part for id in ids for part in (kind, id)))) if ids else []

    def forget(self, runs: Sequence[str]) -> None:
        """See ``Items.forget``."""
        if not runs:
            return
        found = self._together([("smembers", f"{self._prefix}r:{run}") for run in runs])
        parts = [part for members in found for member in members for part in member.split(" ", 1)]
        if parts:
            self._evaluate(_REMOVE, *parts)

    def expired(self, now: float, limit: int) -> list[Item]:
        """See ``Items.expired``."""
        members = self._call("zrangebyscore", self._prefix + "x", "-inf", repr(now), start=0, num=limit)
        found: list[Item] = []
        for member in members:
            kind, _, id = member.partition(" ")
            found += self._read(kind, [id])
        return found

    def postpone(self, items: Sequence[Item], expires: float) -> None:
        """See ``Items.postpone``."""
        if items:
            times = {f"{item.kind} {item.id}": expires for item in items}
            self._call("zadd", self._prefix + "x", times, xx=True)

    def _read(self, kind: str, ids: Sequence[str]) -> list[Item]:
        """Those of the items that are there, in the same order."""
        if not ids:
            return []
        key = self._prefix + kind
        texts, *times = self._together([("hmget", key + ":t", ids), *(("zscore", key, id) for id in ids)])
        rows = zip(ids, texts, times, strict=True)
        return [_item(kind, id, at, text) for id, text, at in rows if text is not None and at is not None]


def _item(kind: str, id: str, at: float, text: str) -> Item:
    run, kept = json.loads(text)
    return Item(kind, id, at, kept, run)
