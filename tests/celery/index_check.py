"""Whether the index of runs says what the headers of runs say."""

from __future__ import annotations

from collections.abc import Iterable

from selinon_core.celery.stores import Store
from selinon_core.celery.stores.index import OPEN, IndexRow, RunQuery
from selinon_core.celery.stores.run_header import RunHeader


def all_rows(store: Store, query: RunQuery | None = None) -> list[IndexRow]:
    """The rows of all pages."""
    rows: list[IndexRow] = []
    cursor = None
    while True:
        page = store.index.find(query or RunQuery(), cursor, 100)
        rows += page.rows
        if page.next is None:
            return rows
        cursor = page.next


def index_mistakes(store: Store, ids: Iterable[str]) -> list[str]:
    """What is wrong with the rows of these root runs, and how they are found; nothing, if all is well."""
    rows = {row.id: row for row in all_rows(store)}
    wrong = []
    listed: dict[tuple[str, str], set[str]] = {}
    for id in ids:
        fields = store.header(id)
        if fields is None:
            continue
        header, row = RunHeader.read(fields), rows.get(id)
        if row is None:
            wrong.append(f"{id}: no row in the index")
            continue
        same = row.status in OPEN if header.status == "running" else row.status == header.status
        if not same or row.flow != header.flow or abs(row.created - header.created) > 1e-3:
            wrong.append(f"{id}: the index says {row}, the header {header}")
        if header.status != "running" and (row.ended is None or row.ended < row.created):
            wrong.append(f"{id}: it ended, and the index says {row.ended}")
        if store.index.get(id) != row:
            wrong.append(f"{id}: its row alone is another one than in the list")
        of = (row.flow, row.status)
        if of not in listed:
            listed[of] = {each.id for each in all_rows(store, RunQuery(flows=of[:1], statuses=of[1:]))}
        if id not in listed[of] or store.index.by_prefix(id, 1) != [id]:
            wrong.append(f"{id}: it is not found by its flow and status, or by its id")
    for status in {row.status for row in rows.values()}:
        count = store.index.count(RunQuery(statuses=[status]))
        there = sum(row.status == status for row in rows.values())
        if count != there:
            wrong.append(f"{count} runs are counted of status {status}, {there} are listed")
    return wrong
