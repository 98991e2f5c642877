"""The audit, on every state store: what is kept, found, bounded and removed. Times are given."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from selinon_core.celery.stores import Store
from selinon_core.celery.stores.audit import AuditEntry, audit_entry
from selinon_core.celery.stores.memory_audit import MemoryAudit
from selinon_core.celery.stores.redis.audit import RedisAudit
from selinon_core.celery.stores.redis.store import RedisStore
from selinon_core.celery.stores.sql.store import SqlStore
from selinon_core.errors import RequestError, StateStoreRefused
from tests.celery.stores import MARKED_KINDS, fresh_store

NOW = 1_800_000_000.125


@pytest.fixture(params=MARKED_KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as made:
        yield made


def wrote(
    store: Store, at: float = NOW, run: str | None = "r1", what: str = "retry", **details: Any
) -> AuditEntry:
    entry = audit_entry(at, "anna@host", what, run, details)
    store.audit.write(entry)
    return entry


def every(store: Store, run: str | None = None, limit: int = 2) -> list[AuditEntry]:
    """The entries of all pages."""
    found: list[AuditEntry] = []
    cursor = None
    while True:
        page = store.audit.read(run, cursor, limit)
        assert len(page.entries) <= limit
        found += page.entries
        if page.next is None:
            return found
        cursor = page.next


def test_entries_are_read_newest_first(store: Store) -> None:
    first = wrote(store, NOW, nodes=["Ünïcode", "'; DROP TABLE x --"])
    third = wrote(store, NOW + 2, None, "pause", flow="order")
    second = wrote(store, NOW + 1, "r2", "cancel")
    assert store.audit.read() == ([third, second, first], None)
    assert store.audit.read("r1") == ([first], None)
    assert store.audit.read("r3") == ([], None)


def test_pages_go_on_where_the_one_before_ended(store: Store) -> None:
    entries = [wrote(store, NOW + number // 3) for number in range(7)]
    expected = sorted(entries, key=lambda entry: (entry.at, entry.id), reverse=True)
    assert every(store) == expected
    assert every(store, "r1", 3) == expected
    assert every(store, limit=7) == expected


@pytest.mark.parametrize("text", ["", "x", "1", "1,", "a,b", "nan,x"])
def test_another_text_than_a_cursor_is_refused(store: Store, text: str) -> None:
    with pytest.raises(RequestError, match="cursor"):
        store.audit.read(None, text)


def test_a_run_id_that_is_no_text_is_an_error_of_the_store_or_is_not_found(store: Store) -> None:
    with contextlib.suppress(StateStoreRefused):
        assert store.audit.read("a\udcff").entries == []


def test_an_entry_that_is_written_twice_is_kept_once(store: Store) -> None:
    entry = wrote(store)
    store.audit.write(entry)
    assert every(store) == [entry]


def test_old_entries_are_removed(store: Store) -> None:
    entries = [wrote(store, NOW + number) for number in range(5)]
    assert store.audit.trim(NOW + 3, 2) == 2
    assert every(store) == entries[:1:-1]
    assert store.audit.trim(NOW + 3, 10) == 1
    assert store.audit.trim(NOW + 3, 10) == 0
    assert every(store, "r1") == entries[:2:-1]


@pytest.mark.parametrize("kind", ["memory", pytest.param("redis", marks=pytest.mark.service("redis"))])
def test_a_store_in_memory_keeps_a_bounded_number(kind: str, tmp_path: Path) -> None:
    with fresh_store(kind, tmp_path) as store:
        if isinstance(store, RedisStore):
            store.audit = RedisAudit(store._eval_of_index, store._call, store._prefix, 3)
        else:
            store.audit = MemoryAudit(store._lock, 3)  # type: ignore
        entries = [wrote(store, NOW + number) for number in range(5)]
        assert every(store) == entries[:1:-1]
        assert every(store, "r1") == entries[:1:-1]


@pytest.mark.parametrize("kind", [kind for kind in MARKED_KINDS if "memory" not in str(kind)])
def test_a_sql_store_of_before_the_audit_gets_its_table(kind: str, tmp_path: Path) -> None:
    with fresh_store(kind, tmp_path) as store:
        if not isinstance(store, SqlStore):
            return
        with store.database.engine.begin() as connection:
            connection.execute(sa.text(f"DROP TABLE {store.tables.audit.name}"))
        assert store.audit.read() == ([], None)
        with store.database.engine.begin() as connection:
            connection.execute(sa.text(f"DROP TABLE {store.tables.audit.name}"))
        assert every(store) == []
        assert wrote(store) == every(store)[0]


def test_long_and_odd_texts_are_shortened() -> None:
    entry = audit_entry(NOW, "a\x00" + "b" * 400, "retry", "r1", {"nodes": ["x" * 5000]})
    assert len(entry.who) == 255
    assert "\x00" not in entry.who
    assert len(entry.details["text"]) == 2000
