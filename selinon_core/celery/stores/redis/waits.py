"""The tasks that wait for signals, in Redis; see ``Waits``.

| key | type | holds |
| --- | --- | --- |
| ``w:r:RUN`` | hash | the rows of a run as JSON, by number |
| ``w:since`` | sorted set | ``RUN,NUMBER`` of all of them, by since when they wait |
| ``w:f:FLOW``, ``w:t:ROOT`` | sorted set | the same of a flow, and of a run with its sub-flows |
| ``w:flows`` | set | the flows of which tasks have waited |

Only the holder of a run's lease writes, so one transaction after one question is enough.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from selinon_core.celery.stores.cursors import cut
from selinon_core.celery.stores.waits import WaitPage, WaitQuery, WaitRow, read_cursor

#: ``call(command, *arguments)``: the answer of a command.
Call = Callable[..., Any]
#: ``together(commands)``: the answers of commands that are carried out in one transaction.
Together = Callable[[Sequence[tuple[Any, ...]]], list[Any]]


class RedisWaits:
    """See ``Waits``. ``prefix`` begins the keys of the store."""

    def __init__(self, call: Call, together: Together, prefix: str) -> None:
        self._call = call
        self._together = together
        self._prefix = prefix + "w:"

    def put(self, run: str, rows: Sequence[WaitRow]) -> None:
        """See ``Waits.put``."""
        key = self._prefix + "r:" + run
        there = {int(number): _read(text) for number, text in self._call("hgetall", key).items()}
        wanted = {row.number: row for row in rows}
        commands: list[tuple[Any, ...]] = []
        for number, row in there.items():
            if number not in wanted:
                commands += [("hdel", key, number), *(("zrem", each, _member(row)) for each in self._sets(row))]
        for number, row in wanted.items():
            if number not in there:
                commands.append(("hset", key, number, json.dumps(row)))
                commands += [("zadd", each, {_member(row): row.since}) for each in self._sets(row)]
                commands.append(("sadd", self._prefix + "flows", row.flow))
        if commands:
            self._together(commands)

    def _sets(self, row: WaitRow) -> tuple[str, ...]:
        return self._prefix + "since", self._prefix + "f:" + row.flow, self._prefix + "t:" + row.root

    def find(self, query: WaitQuery, cursor: str | None = None, limit: int = 50) -> WaitPage:
        """See ``Waits.find``."""
        after = None if cursor is None else read_cursor(cursor)
        if query.run is not None:
            texts = self._call("hgetall", self._prefix + "r:" + query.run).values()
            return _page([row for row in map(_read, texts) if query.matches(row)], after, limit)
        keys = [self._prefix + "since"]
        if query.root is not None:
            keys = [self._prefix + "t:" + query.root]
        elif query.flows:
            keys = [self._prefix + "f:" + flow for flow in dict.fromkeys(query.flows)]
        found: list[WaitRow] = []
        for key in keys:
            found += self._of_set(key, query, after, limit)
        return _page(found, after, limit)

    def _of_set(
        self, key: str, query: WaitQuery, after: tuple[float, str, int] | None, limit: int
    ) -> list[WaitRow]:
        """The first rows of a set behind a position, one more than the page has."""
        found: list[WaitRow] = []
        least = "-inf" if after is None else repr(after[0])
        begin, step = 0, max(limit + 1, 100)
        while len(found) <= limit:
            members = self._call("zrangebyscore", key, least, "+inf", start=begin, num=step)
            if not members:
                break
            begin += len(members)
            parts = [member.rpartition(",") for member in members]
            texts = self._together([("hget", f"{self._prefix}r:{run}", number) for run, _, number in parts])
            rows = [_read(text) for text in texts if text is not None]
            found += [row for row in rows if query.matches(row) and (after is None or row.position > after)]
        return found

    def count_by_flow(self) -> dict[str, int]:
        """See ``Waits.count_by_flow``."""
        flows = sorted(self._call("smembers", self._prefix + "flows"))
        counts = self._together([("zcard", f"{self._prefix}f:{flow}") for flow in flows]) if flows else []
        return {flow: count for flow, count in zip(flows, counts, strict=True) if count}


def _page(rows: list[WaitRow], after: tuple[float, str, int] | None, limit: int) -> WaitPage:
    wanted = [row for row in rows if after is None or row.position > after]
    return WaitPage(*cut(sorted(wanted, key=lambda row: row.position), limit))


def _member(row: WaitRow) -> str:
    return f"{row.run},{row.number}"


def _read(text: str) -> WaitRow:
    return WaitRow(*json.loads(text))
