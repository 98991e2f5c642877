"""Rows of a sorted set in Redis from the newest to the oldest, one page of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from selinon_core.celery.stores.cursors import Row, cut, read_cursor


def newest_first(
    call: Callable[..., Any],
    key: str,
    cursor: str | None,
    limit: int,
    rows_of: Callable[[Sequence[str]], Iterable[Row]],
) -> tuple[Sequence[Row], str | None]:
    """At most ``limit`` rows of a sorted set whose scores are their times, and the cursor of the next page.

    ``rows_of`` turns members into the rows that are there. Raises ``RequestError`` for a wrong cursor.
    """
    before = None if cursor is None else read_cursor(cursor)
    newest = "+inf" if before is None else repr(before[0])
    found: list[Row] = []
    looked_at = 0
    while len(found) <= limit:  # those of one time are left out one by one
        members = call("zrevrangebyscore", key, newest, "-inf", start=looked_at, num=limit + 1)
        found += [row for row in rows_of(members) if before is None or row.position < before]
        looked_at += len(members)
        if len(members) <= limit:
            break
    return cut(found, limit)
