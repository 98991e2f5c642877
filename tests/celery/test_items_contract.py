"""Texts beside flow runs, on every state store: what is kept, found, claimed and removed. Times are given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from selinon_core.celery.stores import Store
from selinon_core.celery.stores.items import Item
from selinon_core.celery.stores.sql.store import SqlStore
from selinon_core.errors import RequestError
from tests.celery.stores import MARKED_KINDS, fresh_store

NOW = 1_800_000_000.125
LATER = NOW + 1000


@pytest.fixture(params=MARKED_KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as made:
        yield made


def put(store: Store, id: str, at: float = 0.0, run: str = "", kind: str = "a", text: str = "x") -> Item:
    item = Item(kind, id, NOW + at, text, run)
    assert store.items.put(item, LATER)
    return item


def test_an_item_is_kept_as_it_was_put_last(store: Store) -> None:
    first = put(store, "1", text="Ünïcode ' 🙂 \n{}", run="r")
    assert store.items.get("a", "1") == first
    assert store.items.get("b", "1") is None
    assert not store.items.put(first._replace(text="other"), LATER, if_absent=True)
    assert store.items.get("a", "1") == first
    second = put(store, "1", 5, run="r", text="other")
    assert store.items.get("a", "1") == second
    assert store.items.count("a") == 1
    assert store.items.count("b") == 0


def test_pages_have_the_newest_first(store: Store) -> None:
    items = [put(store, f"{number}", number // 3) for number in range(7)]
    put(store, "other", kind="b")
    expected = sorted(items, key=lambda item: (item.at, item.id), reverse=True)
    for limit in (2, 7, 50):
        found: list[Item] = []
        cursor = None
        while True:
            page = store.items.find("a", cursor, limit)
            assert len(page.items) <= limit
            found += page.items
            cursor = page.next
            if cursor is None:
                break
        assert found == expected
    with pytest.raises(RequestError, match="cursor"):
        store.items.find("a", "nonsense")


def test_items_of_a_run_go_with_it(store: Store) -> None:
    second, first = put(store, "2", 2, "r1"), put(store, "1", 1, "r1")
    put(store, "3", 3, "r2")
    other = put(store, "1", 1, "r1", kind="b")
    assert store.items.of_run("a", "r1") == [first, second]
    assert store.items.of_run("b", "r1") == [other]
    store.items.forget(["r1", "r9"])
    assert store.items.of_run("a", "r1") == store.items.of_run("b", "r1") == []
    assert store.items.count("a") == 1


def test_what_is_due_is_claimed_by_one_and_is_due_again_later(store: Store) -> None:
    due = [put(store, "1", -2), put(store, "2", -1)]
    put(store, "3", 1)
    put(store, "4", -3, kind="b")
    assert store.items.claim("a", NOW, NOW + 60, 1) == due[:1]
    assert store.items.claim("a", NOW, NOW + 60, 10) == due[1:]
    assert store.items.claim("a", NOW, NOW + 60, 10) == []
    assert {item.id for item in store.items.claim("a", NOW + 60, NOW + 90, 10)} == {"1", "2", "3"}


def test_an_item_is_removed_for_one_caller_only(store: Store) -> None:
    put(store, "1", run="r")
    put(store, "2")
    assert store.items.remove("a", ["1", "9"]) == ["1"]
    assert store.items.remove("a", ["1"]) == []
    assert store.items.of_run("a", "r") == []
    assert store.items.remove("a", []) == []
    assert store.items.count("a") == 1
    assert store.items.expired(LATER, 10) == [store.items.get("a", "2")]


def test_what_expires_is_found_until_it_is_removed_or_postponed(store: Store) -> None:
    first, second = put(store, "1", 1), put(store, "2", 2)
    third = Item("b", "3", NOW, "x")
    store.items.put(third, LATER + 1)
    assert store.items.expired(LATER - 1, 10) == []
    assert sorted(store.items.expired(LATER, 10)) == [first, second]
    assert len(store.items.expired(LATER + 1, 2)) == 2
    store.items.remove("a", ["2"])
    store.items.postpone([first, second], LATER + 50)
    assert store.items.expired(LATER + 1, 10) == [third]
    assert store.items.get("a", "2") is None


@pytest.mark.parametrize("kind", [kind for kind in MARKED_KINDS if "sqlite" in str(kind)])
def test_a_sql_store_of_before_gets_the_table(kind: str, tmp_path: Path) -> None:
    with fresh_store(kind, tmp_path) as store:
        assert isinstance(store, SqlStore)
        for act in (lambda: store.items.count("a") == 0, lambda: put(store, "1") == store.items.get("a", "1")):
            with store.database.engine.begin() as connection:
                connection.execute(sa.text(f"DROP TABLE {store.tables.items.name}"))
            assert act()
