"""Reads the filter of a list of runs from the query of a URL, and checks it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from selinon_core.celery.stores.index import STATUSES, RunQuery
from selinon_core.errors import RequestError

DEFAULT_LIMIT, MAX_LIMIT = 50, 200

_AGO = re.compile(r"(\d{1,6})(s|m|h|d|w)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
#: What ids of flow runs consist of: none of it means anything in an address or a path.
_ID = re.compile(r"[A-Za-z0-9_:.@+-]{1,200}")
#: The filters that say which runs are wanted, and those that say which page of them.
BATCH_KEYS = ("flow", "status", "since", "until", "label", "key", "id")
_KEYS = (*BATCH_KEYS, "cursor", "limit")


class RunFilter(NamedTuple):
    """A query for a page of runs; ``texts`` has what the user wrote, for the form."""

    query: RunQuery
    cursor: str | None
    limit: int
    texts: dict[str, str]


def read_filter(pairs: Iterable[tuple[str, str]], now: float) -> RunFilter:
    """The filter of an address; empty values do not count. Raises ``RequestError`` with place and remedy."""
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        if name not in _KEYS:
            raise RequestError(f'there is no filter "{name[:80]}"; there are: {", ".join(_KEYS)}')
        if value:
            given.setdefault(name, []).append(value)
    for name in _KEYS:
        if name not in ("flow", "status", "label") and len(given.get(name, ())) > 1:
            raise RequestError(f'"{name}" is given twice')
    one = {name: values[0] for name, values in given.items()}
    for status in given.get("status", ()):
        if status not in STATUSES:
            raise RequestError(f'there is no status "{status[:80]}"; there are: {", ".join(STATUSES)}')
    query = RunQuery(
        flows=tuple(given.get("flow", ())),
        statuses=tuple(given.get("status", ())),
        since=read_time(one["since"], now, "since") if "since" in one else None,
        until=read_time(one["until"], now, "until") if "until" in one else None,
        labels=dict(_label(text) for text in given.get("label", ())),
        key=one.get("key"),
        id_prefix=checked_id(one["id"]) if "id" in one else None,
    )
    return RunFilter(query, one.get("cursor"), _limit(one.get("limit")), one)


def checked_id(text: str) -> str:
    """An id, or its beginning; raises ``RequestError`` for a text that no id begins with."""
    if _ID.fullmatch(text) is None or text.startswith("."):
        raise RequestError(f"{text[:80]!r} is not an id of a flow run")
    return text


def read_time(text: str, now: float, name: str) -> float:
    """Seconds since the epoch of ``2h`` (ago), an ISO date or time (UTC without a zone), or seconds."""
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return now - int(ago[1]) * _SECONDS[ago[2]]
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        pass
    try:
        seconds = float(text)
        if math.isfinite(seconds) and abs(seconds) < 1e12:
            return seconds
    except ValueError:
        pass
    raise RequestError(f'"{name}" is {text[:80]!r}: write how long ago (30m, 2h, 1d) or a time (2026-11-30T08:00)')


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise RequestError(f'"label" is {text[:80]!r}: write NAME=VALUE')
    return name, value


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= MAX_LIMIT):
        raise RequestError(f'"limit" is {text[:80]!r}: write a number from 1 to {MAX_LIMIT}')
    return int(text)
