"""The index of runs in Redis; see ``Index``.

| key | type | holds |
| --- | --- | --- |
| ``x:r:ID`` | hash | the row: columns that are not empty, labels as JSON |
| ``x:s:STATUS`` | sorted set | runs of a status by their creation |
| ``x:f:STATUS:FLOW`` | sorted set | of a status and a flow |
| ``x:l:STATUS:LENGTH:NAME=VALUE`` | sorted set | of a status and a label; LENGTH is that of the name |
| ``x:k:KEY``, ``x:t:ROOT`` | sorted set | of a key, of sub-flows below a run |
| ``x:changed`` | sorted set | all runs by the last change of their row |
| ``x:ids`` | sorted set | all ids, in their order |

A question for several statuses merges their sets. So there are none for all statuses together: a commit writes
half as many.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from selinon_core.celery.stores.cursors import cursor_of, read_cursor
from selinon_core.celery.stores.index import (
    OPEN,
    STATUSES,
    IndexChange,
    IndexRow,
    Page,
    Progress,
    RunQuery,
    Unindexed,
)
from selinon_core.celery.stores.redis import index_scripts as scripts

#: Rows that one call of the server looks at, and the calls for one page: conditions together may fit few rows.
_MOST_LOOKED_AT = 2000
_MOST_CALLS = 10
#: Beginnings of ids that are shorter stand for many runs: they filter, and are not looked up.
_LONG_PREFIX = 4
#: The sets of runs that have not ended by their headers, and by their rows; and what stands for all keys.
_OF_OPEN_RUNS = ("runs", *(f"x:s:{status}" for status in OPEN))
_ALL_KEYS = "*"
_NUMBERS = {"created": float, "begun": float, "ended": float, "changed": float, "attempt": int, "priority": int}
#: The columns of a row that its caller gives; the first is its id, the last when it changed.
_STORED = IndexRow._fields[1:-1]
#: Escapes what patterns of keys give a meaning.
SPECIAL = str.maketrans({character: f"\\{character}" for character in "*?[]^\\"})

#: ``evaluate(script, *arguments)``: the answer of a script that has the prefix of the store as its key.
Evaluate = Callable[..., Any]


def commit_arguments(change: IndexChange | None) -> list[str]:
    """The arguments by which the script of a commit changes the index: a list with its length before it."""
    if change is None:
        return []
    if change.row is None:
        return ["columns", *_columns(change.columns)]
    columns: dict[str, Any] = dict(change.columns)
    return ["row", *_fields(change.row._replace(**columns) if columns else change.row)]


class RedisIndex:
    """See ``Index``. ``prefix`` begins the keys of the store."""

    def __init__(self, evaluate: Evaluate, call: Evaluate, prefix: str) -> None:
        self._evaluate = evaluate
        self._call = call
        self._prefix = prefix
        self._looked_at_all = False

    def find(self, query: RunQuery, cursor: str | None = None, limit: int = 50) -> Page:
        """See ``Index.find``."""
        position = None if cursor is None else read_cursor(cursor)
        rows: list[IndexRow] = []
        for _ in range(_MOST_CALLS):
            found, position = self._found(query, position, limit - len(rows))
            rows += [_row(fields) for fields in found]
            if position is None or len(rows) == limit:
                break
        return Page(rows, None if position is None else cursor_of(position))

    def count(self, query: RunQuery) -> int:
        """See ``Index.count``."""
        counted = 0
        position: tuple[float, str] | None = None
        while True:
            found, position = self._found(query, position, 0)
            counted += int(found)
            if position is None:
                return counted

    def _found(
        self, query: RunQuery, position: tuple[float, str] | None, limit: int
    ) -> tuple[Any, tuple[float, str] | None]:
        query = query.without_repeats()
        found, last, last_id = self._evaluate(scripts.FIND, json.dumps(_question(query, position, limit)))
        return found, (float(last), last_id) if last else None

    def get(self, id: str) -> IndexRow | None:
        """See ``Index.get``."""
        rows = self._evaluate(scripts.ROWS, id)
        return _row(rows[0]) if rows else None

    def by_prefix(self, text: str, limit: int) -> list[str]:
        """See ``Index.by_prefix``."""
        low, high = b"[" + text.encode(), b"[" + text.encode() + b"\xff"
        return list(self._call("zrangebylex", self._prefix + "x:ids", low, high, 0, limit))

    def changed_since(self, at: float, limit: int, after: str = "") -> list[IndexRow]:
        """See ``Index.changed_since``."""
        return [_row(fields) for fields in self._evaluate(scripts.CHANGED, repr(at), after, limit)]

    def progress(self, ids: Sequence[str]) -> dict[str, Progress]:
        """See ``Index.progress``."""
        found = self._evaluate(scripts.PROGRESS, *ids) if ids else ()
        return {id: Progress(started, done) for id, started, done in found}

    # -- what other workers left out --------------------------------------------------------------------------

    def unindexed(self, cursor: str | None, limit: int) -> tuple[list[Unindexed], str | None]:
        """See ``Index.unindexed``.

        Looks at runs that have not ended, by their headers or by their rows. Others may keep millions of keys in
        the same database, so that all keys are looked at only once by each process: a run that began and ended
        without a row is in no set.
        """
        name, _, position = (cursor or f"{_OF_OPEN_RUNS[0]} 0").rpartition(" ")
        if name == _ALL_KEYS:
            pattern = self._prefix.translate(SPECIAL) + "f:*:h"
            following, found = self._evaluate(scripts.UNINDEXED, position, pattern, limit)
        else:
            following, found = self._evaluate(scripts.UNINDEXED_IN, name, position, limit)
        runs = [Unindexed(id, _mapping(header), batch) for id, header, batch in found]
        return runs, self._after(name) if following == "0" else f"{name} {following}"

    def _after(self, name: str) -> str | None:
        """The cursor behind a set that was looked at to its end."""
        if name == _ALL_KEYS:
            self._looked_at_all = True
            return None
        at = _OF_OPEN_RUNS.index(name) + 1
        if at < len(_OF_OPEN_RUNS):
            return f"{_OF_OPEN_RUNS[at]} 0"
        return None if self._looked_at_all else f"{_ALL_KEYS} 0"

    def fill_in(self, rows: Sequence[IndexRow]) -> None:
        """See ``Index.fill_in``."""
        for row in rows:
            fields = _fields(row)
            changed = _columns({"status": row.status, "ended": row.ended, "reason": row.reason})
            self._evaluate(scripts.FILL_IN, row.id, _text(row.changed), len(fields), *fields, *changed)

    def trim(self, before: float, now: float, limit: int) -> int:
        """See ``Index.trim``."""
        return int(self._evaluate(scripts.TRIM, _text(before), _text(now), limit))


def _question(query: RunQuery, position: tuple[float, str] | None, limit: int) -> dict[str, Any]:
    statuses = list(query.statuses) or list(STATUSES)
    groups = [
        [f"x:l:{status}:{len(name.encode())}:{name}={value}" for status in statuses]
        for name, value in query.labels.items()
    ]
    if query.key is not None:
        groups.append([f"x:k:{query.key}"])
    if query.root is not None:
        groups.append([f"x:t:{query.root}"])
    if query.flows:
        groups.append([f"x:f:{status}:{flow}" for flow in query.flows for status in statuses])
    prefix = query.id_prefix
    return {
        "limit": limit,
        "most": _MOST_LOOKED_AT,
        "before": "" if position is None else repr(position[0]),
        "before_id": "" if position is None else position[1],
        **({} if query.since is None else {"since": repr(query.since)}),
        **({} if query.until is None else {"until": repr(query.until)}),
        "groups": groups or [[f"x:s:{status}" for status in statuses]],
        "fields": len(groups) > 1 or query.key is not None or query.root is not None,
        "statuses": list(query.statuses),
        "flows": list(query.flows),
        "labels": [list(label) for label in query.labels.items()],
        **({} if query.key is None else {"key": query.key}),
        **({} if query.root is None else {"root": query.root}),
        **({} if prefix is None else {"prefix": prefix, "lookup": len(prefix) >= _LONG_PREFIX}),
    }


def _fields(row: IndexRow) -> list[str]:
    fields: list[str] = []
    for name, value in zip(_STORED, row[1:-1], strict=True):
        if value is None or value == "" or name == "labels":
            continue
        fields += (name, _value(value))
    return [*fields, "labels", json.dumps(dict(row.labels))] if row.labels else fields


def _columns(columns: Mapping[str, Any]) -> list[str]:
    """Columns to change; one that is empty from now on has an empty text."""
    return [part for name, value in columns.items() for part in (name, "" if value is None else _value(value))]


def _value(value: Any) -> str:
    return _text(value) if isinstance(value, float) else str(value)


def _text(seconds: float) -> str:
    return f"{seconds:.6f}"


def _mapping(fields: Sequence[str]) -> dict[str, str]:
    return dict(zip(fields[::2], fields[1::2], strict=True))


def _row(fields: Sequence[str]) -> IndexRow:
    values: dict[str, Any] = _mapping(fields)
    values |= {name: kind(values[name]) for name, kind in _NUMBERS.items() if name in values}
    values["labels"] = json.loads(values.get("labels") or "{}")
    return IndexRow(**values)
