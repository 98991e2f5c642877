"""The rows of tasks that wait for signals, on every state store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from selinon_core.celery.stores import Store
from selinon_core.celery.stores.waits import WaitQuery, WaitRow
from selinon_core.errors import RequestError
from tests.celery.stores import MARKED_KINDS, fresh_store

NOW = 1_800_000_000.0


@pytest.fixture(params=MARKED_KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as made:
        yield made


def row(
    run: str, number: int, since: float = 0.0, flow: str = "order", root: str = "", title: str = ""
) -> WaitRow:
    return WaitRow(run, number, flow, "Approve", f"{run}.{number}", root or run, title, NOW + since, None)


def test_a_run_has_the_waits_that_were_put_last_and_those_that_stay_keep_their_time(store: Store) -> None:
    first = row("a", 1, title="Ship “it”?")._replace(deadline=NOW + 60.5)
    store.waits.put("a", [first, row("a", 2)])
    store.waits.put("b", [row("b", 1, 5)])
    store.waits.put("a", [row("a", 1, 99), row("a", 3, 7)])
    assert list(store.waits.find(WaitQuery(run="a")).rows) == [first, row("a", 3, 7)]
    store.waits.put("a", ())
    store.waits.put("a", ())
    assert list(store.waits.find(WaitQuery()).rows) == [row("b", 1, 5)]


def test_pages_begin_with_the_longest_wait_and_have_all_rows_once(store: Store) -> None:
    rows = [row(run, number, since) for since, run in ((3, "b"), (1, "c"), (3, "a")) for number in (1, 2)]
    for run in "abc":
        store.waits.put(run, [each for each in rows if each.run == run])
    found: list[WaitRow] = []
    cursor = None
    while True:
        page = store.waits.find(WaitQuery(), cursor, 4)
        found += page.rows
        cursor = page.next
        if cursor is None:
            break
    assert found == sorted(rows, key=lambda each: (each.since, each.run, each.number))
    with pytest.raises(RequestError):
        store.waits.find(WaitQuery(), "nonsense")
    for text in ("nan,run,1", "1.0,run,99999999999999999999"):
        with pytest.raises(RequestError, match="is not a cursor"):
            store.waits.find(WaitQuery(), text)


def test_waits_are_found_by_flow_and_root_and_counted_by_flow(store: Store) -> None:
    store.waits.put("a", [row("a", 1, 2, root="top"), row("a", 2, 1, root="top")])
    store.waits.put("b", [row("b", 1, 3, flow="bill")])
    store.waits.put("top", [row("top", 1, 4, flow="main")])

    def ids(query: WaitQuery) -> list[str]:
        return [each.id for each in store.waits.find(query).rows]

    assert ids(WaitQuery(flows=("bill", "order"))) == ["a.2", "a.1", "b.1"]
    assert ids(WaitQuery(root="top")) == ["a.2", "a.1", "top.1"]
    assert ids(WaitQuery(root="top", flows=("main",))) == ["top.1"]
    assert ids(WaitQuery(run="b", flows=("order",))) == []
    assert store.waits.count_by_flow() == {"order": 2, "bill": 1, "main": 1}
