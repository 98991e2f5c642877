"""Rows of the index as ``selinon runs`` and the page list them."""

from __future__ import annotations

import json
from typing import Any

from selinon_core.celery.stores.index import Index, IndexRow, Page, Progress, RunQuery

#: Pages that are asked for at most to fill one: several filters at once may leave few rows of each.
_MOST_ASKED = 50


def find_page(index: Index, query: RunQuery, cursor: str | None, limit: int) -> Page:
    """A page of ``limit`` rows, unless there are fewer. Raises ``RequestError`` for another text."""
    rows: list[IndexRow] = []
    for _ in range(_MOST_ASKED):
        page = index.find(query, cursor, limit - len(rows))
        rows += page.rows
        cursor = page.next
        if cursor is None or len(rows) == limit:
            break
    return Page(rows, cursor)


def rows_json(index: Index, page: Page, now: float) -> list[dict[str, Any]]:
    """The rows of a page as JSON values, with the progress of their runs where the state is there."""
    progress = index.progress([row.id for row in page.rows])
    return [row_json(row, progress.get(row.id), now) for row in page.rows]


def row_json(row: IndexRow, progress: Progress | None, now: float) -> dict[str, Any]:
    """A row as a JSON value; times are seconds since the epoch."""
    begun = row.created if row.begun is None else row.begun
    return {
        "id": row.id,
        "flow": row.flow,
        "status": row.status,
        "created": row.created,
        "begun": row.begun,
        "ended": row.ended,
        "seconds": round(max((row.ended or now) - begun, 0.0), 3),
        "attempt": row.attempt,
        "reason": row.reason or None,
        "key": row.key,
        "lane": row.lane,
        "labels": dict(row.labels),
        "args": _args(row.args),
        "rerun_of": row.rerun_of,
        "progress": None if progress is None else progress._asdict(),
    }


def _args(text: str | None) -> Any:
    """The arguments; as text, that ends with ``…``, where the index has the beginning only."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text
