"""The index of runs, on every state store: what commits write, and what is found. Times are given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selinon_core.celery.stores import Store
from selinon_core.celery.stores.index import IndexChange, IndexRow, RunQuery, row_of_header
from selinon_core.celery.stores.protocol import Commit
from selinon_core.celery.stores.redis.store import RedisStore
from selinon_core.celery.stores.run_header import RunHeader
from selinon_core.celery.stores.sql.store import SqlStore
from selinon_core.errors import RequestError, StateStoreRefused
from tests.celery.stores import MARKED_KINDS, fresh_store

NOW = 1_800_000_000.0


@pytest.fixture(params=MARKED_KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as made:
        yield made


def create(store: Store, id: str, at: float = NOW, flow: str = "main", **columns: Any) -> IndexRow:
    """Begin a run in the way of an executor; returns its row."""
    row = IndexRow(id, flow, "running", at, begun=at, changed=at, **columns)
    create = RunHeader(flow, "q", initial_definition="d", labels=row.labels).new_fields()
    change = IndexChange(row, labelled=bool(row.labels))
    assert store.commit(Commit(id, 0, at, create=create, batch='[0,["S"]]', index_change=change)).ok
    return row


def end(
    store: Store, id: str, at: float, status: str = "success", reason: str = "", *, labelled: bool = False
) -> None:
    columns = {"status": status, "ended": at, "reason": reason}
    fields = {"status": status, "reason": reason}
    change = IndexChange(columns=columns, labelled=labelled)
    assert store.commit(Commit(id, 1, at, batch="[0]", fields=fields, ttl=60.0, index_change=change)).ok


def ids(store: Store, limit: int = 50, **wanted: Any) -> list[str]:
    """The ids of all pages."""
    found: list[str] = []
    cursor = None
    while True:
        page = store.index.find(RunQuery(**wanted), cursor, limit)
        assert len(page.rows) <= limit
        found += [row.id for row in page.rows]
        if page.next is None:
            return found
        cursor = page.next


def test_a_row_has_what_it_was_created_with(store: Store) -> None:
    labels = {"customer": "acmé", "region": "eu"}
    row = create(
        store,
        "r1",
        labels=labels,
        args='{"id":7}',
        key="order-7",
        lane="fast",
        priority=3,
        rerun_of="r0",
        reason="é\n{}",
        attempt=2,
    )
    assert store.index.get("r1") == row
    assert store.index.get("r2") is None
    assert store.index.find(RunQuery()).rows == [row]


def test_an_end_changes_the_row_and_leaves_the_rest(store: Store) -> None:
    row = create(store, "r1", labels={"customer": "acme"})
    end(store, "r1", NOW + 5, "failure", "Pay failed", labelled=True)
    changed = row._replace(status="failure", ended=NOW + 5, reason="Pay failed", changed=NOW + 5)
    assert store.index.get("r1") == changed
    assert ids(store, statuses=["running"]) == []
    assert ids(store, statuses=["failure"], labels={"customer": "acme"}) == ["r1"]
    assert ids(store, statuses=["running"], labels={"customer": "acme"}) == []


def test_a_run_may_begin_and_end_in_one_step(store: Store) -> None:
    row = IndexRow("r1", "main", "running", NOW, begun=NOW)
    change = IndexChange(row, {"status": "success", "ended": NOW + 1, "reason": ""})
    fields = {"status": "success"}
    create = RunHeader("main", "q").new_fields()
    assert store.commit(
        Commit("r1", 0, NOW + 1, create=create, batch="[0]", fields=fields, index_change=change)
    ).ok
    assert store.index.get("r1") == row._replace(status="success", ended=NOW + 1, changed=NOW + 1)


def test_a_refused_commit_changes_nothing(store: Store) -> None:
    row = create(store, "r1")
    change = IndexChange(columns={"status": "failure", "ended": NOW})
    assert not store.commit(Commit("r1", 7, NOW, batch="[0]", index_change=change)).ok
    assert store.index.get("r1") == row


def test_columns_may_become_empty_again(store: Store) -> None:
    row = create(store, "r1")
    end(store, "r1", NOW + 1, "failure", "why")
    columns = {"status": "running", "ended": None, "reason": "", "attempt": 2}
    assert store.commit(Commit("r1", 2, NOW + 2, batch="[0]", index_change=IndexChange(columns=columns))).ok
    assert store.index.get("r1") == row._replace(attempt=2, changed=NOW + 2)
    assert ids(store, statuses=["failure"]) == []
    assert ids(store, statuses=["running"]) == ["r1"]


def test_a_change_of_a_run_without_a_row_makes_none(store: Store) -> None:
    assert store.commit(Commit("r1", 0, NOW, create=RunHeader("main", "q").new_fields(), batch="[0]")).ok
    end(store, "r1", NOW + 1)
    assert store.index.get("r1") is None
    assert ids(store) == []


def test_pages_are_newest_first_and_cursors_do_not_move(store: Store) -> None:
    for number in range(7):
        create(store, f"r{number}", NOW + number // 3)  # some at the same time
    first = store.index.find(RunQuery(), None, 3)
    assert [row.id for row in first.rows] == ["r6", "r5", "r4"]
    create(store, "r9", NOW + 9)
    assert first.next is not None
    second = store.index.find(RunQuery(), first.next, 3)
    assert [row.id for row in second.rows] == ["r3", "r2", "r1"]
    assert ids(store, 2) == ["r9", "r6", "r5", "r4", "r3", "r2", "r1", "r0"]


@pytest.mark.parametrize("cursor", ["", "x", "12", "x,y", ","])
def test_what_is_no_cursor_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(RequestError, match="not a cursor"):
        store.index.find(RunQuery(), cursor)


def test_every_condition_filters(store: Store) -> None:
    create(store, "aa1", NOW, "order", labels={"customer": "acme", "region": "eu"}, key="k1")
    create(store, "aa2", NOW + 1, "order", labels={"customer": "other"})
    create(store, "ab3", NOW + 2, "bill", labels={"customer": "acme"}, root="aa1", parent="aa1")
    create(store, "ab4", NOW + 3, "Order")
    end(store, "aa2", NOW + 4, "failure", labelled=True)
    expected: list[tuple[dict[str, Any], list[str]]] = [
        ({"flows": ["order"]}, ["aa2", "aa1"]),
        ({"flows": ["order", "bill"]}, ["ab3", "aa2", "aa1"]),
        ({"flows": ["order"], "statuses": ["running"]}, ["aa1"]),
        ({"statuses": ["failure", "running"]}, ["ab4", "ab3", "aa2", "aa1"]),
        ({"statuses": ["failure", "failure"], "flows": ["order", "order"]}, ["aa2"]),
        ({"statuses": ["queued"]}, []),
        ({"since": NOW + 1}, ["ab4", "ab3", "aa2"]),
        ({"until": NOW + 1}, ["aa1"]),
        ({"since": NOW + 1, "until": NOW + 3, "flows": ["bill"]}, ["ab3"]),
        ({"labels": {"customer": "acme"}}, ["ab3", "aa1"]),
        ({"labels": {"customer": "acme", "region": "eu"}}, ["aa1"]),
        ({"labels": {"customer": "acme"}, "flows": ["bill"], "statuses": ["running"]}, ["ab3"]),
        ({"labels": {"customer": "nobody"}}, []),
        ({"key": "k1"}, ["aa1"]),
        ({"key": "k1", "flows": ["bill"]}, []),
        ({"root": "aa1"}, ["ab3"]),
        ({"id_prefix": "aa"}, ["aa2", "aa1"]),
        ({"id_prefix": "aa", "statuses": ["failure"]}, ["aa2"]),
        ({"id_prefix": "x"}, []),
    ]
    for query, found in expected:
        assert ids(store, **query) == found, query
        assert ids(store, 1, **query) == found, query
        assert store.index.count(RunQuery(**query)) == len(found), query


def test_progress_is_counted_for_several_runs_at_once(store: Store) -> None:
    for id in ("r1", "r2", "r3"):
        create(store, id)
    for number in range(1, 5):
        assert store.claim_delivery("r1", number, 0, False, NOW).kind == "run"
    store.append_event("r1", 1, '["+",1]', NOW, delivery=0)
    store.append_successes("r1", {2: '["+",2]'}, NOW)
    assert store.retry("r1", 3, 0, True, 30.0, 10.0, NOW) == 1
    assert store.claim_delivery("r2", 1, 0, False, NOW).kind == "run"
    assert store.index.progress(["r1", "r2", "r3", "gone"]) == {"r1": (4, 2), "r2": (1, 0), "r3": (0, 0)}
    assert store.index.progress([]) == {}


def test_ids_are_found_by_their_beginnings(store: Store) -> None:
    for id in ("3f2a-1", "3f2a-2", "3f2b", "4"):
        create(store, id)
    assert store.index.by_prefix("3f2a", 5) == ["3f2a-1", "3f2a-2"]
    assert store.index.by_prefix("3f", 2) == ["3f2a-1", "3f2a-2"]
    assert store.index.by_prefix("5", 5) == []


def test_changes_are_listed_in_their_order(store: Store) -> None:
    for number in range(4):
        create(store, f"r{number}", NOW + number)
    end(store, "r1", NOW + 9)
    assert [row.id for row in store.index.changed_since(NOW + 0.5, 9)] == ["r2", "r3", "r1"]
    assert [row.id for row in store.index.changed_since(NOW, 9)] == ["r0", "r2", "r3", "r1"]
    assert [row.id for row in store.index.changed_since(NOW, 9, "r0")] == ["r2", "r3", "r1"]
    assert [row.id for row in store.index.changed_since(NOW - 1, 2)] == ["r0", "r2"]


def test_a_new_run_of_an_old_id_has_a_new_row(store: Store) -> None:
    create(store, "r1", flow="old", labels={"customer": "acme"}, key="k")
    end(store, "r1", NOW + 1, labelled=True)
    store.claim_due_runs(NOW + 100, 10, 10.0, 60.0, 60.0)  # its state is gone: the row outlives it
    if store.header("r1") is not None:
        pytest.skip("only the server knows when its keys expire")
    row = create(store, "r1", NOW + 200, flow="new", labels={"region": "eu"})
    assert store.index.get("r1") == row
    assert ids(store, labels={"customer": "acme"}) == []
    assert ids(store, labels={"region": "eu"}) == ["r1"]
    assert ids(store, flows=["old"]) == []
    assert ids(store) == ["r1"]


def old_worker(store: Store, id: str, at: float = NOW, **header: Any) -> None:
    """Begin a run as a worker of before the index does."""
    fields = RunHeader("main", "q", initial_definition="d")._replace(**header).new_fields()
    assert store.commit(Commit(id, 0, at, create=fields, batch='[0,["S",{"id":7},{},null,null]]')).ok


def wrong_runs(store: Store) -> dict[str, Any]:
    # Redis counts the keys that are looked at, and the server may hold very many others.
    limit = 1000 if isinstance(store, RedisStore) else 2
    found: dict[str, Any] = {}
    cursor = None
    while True:
        runs, cursor = store.index.unindexed(cursor, limit)
        found |= {run.id: run for run in runs}
        if cursor is None:
            return found


def test_runs_without_a_row_and_ends_that_rows_do_not_have_are_found_and_filled_in(store: Store) -> None:
    from selinon_core.celery.stores.run_header import Caller

    create(store, "right")
    create(store, "ended")
    end(store, "ended", NOW + 1)
    old_worker(store, "missing", NOW + 2, labels={"customer": "acme"})
    old_worker(store, "below", NOW, caller=Caller("missing", 1, "main"))
    create(store, "end-missing", labels={"customer": "acme"})
    fields = {"status": "failure", "reason": "why"}
    assert store.commit(Commit("end-missing", 1, NOW + 3, batch="[0]", fields=fields, ttl=60.0)).ok
    found = wrong_runs(store)
    assert sorted(found) == ["end-missing", "missing"]
    assert found["missing"].first_batch == '[0,["S",{"id":7},{},null,null]]'
    store.index.fill_in([row_of_header(run.id, RunHeader.read(run.header), '{"id":7}') for run in found.values()])
    assert wrong_runs(store) == {}
    row = store.index.get("end-missing")
    assert row is not None
    assert (row.status, row.ended, row.reason, row.created) == ("failure", NOW + 3, "why", NOW)
    assert store.index.get("missing") == IndexRow(
        "missing",
        "main",
        "running",
        NOW + 2,
        NOW + 2,
        args='{"id":7}',
        labels={"customer": "acme"},
        changed=NOW + 2,
    )
    assert ids(store, labels={"customer": "acme"}, statuses=["running"]) == ["missing"]
    assert ids(store, labels={"customer": "acme"}, statuses=["failure"]) == ["end-missing"]


def test_tables_of_before_the_index_are_said_to_be_so(tmp_path: Path) -> None:
    with fresh_store("sqlite", tmp_path) as store:
        assert isinstance(store, SqlStore)
        with store.database.engine.begin() as connection:
            store.tables.labels.drop(connection)
            store.tables.index.drop(connection)
        with pytest.raises(StateStoreRefused, match="a worker of this version makes it"):
            store.index.find(RunQuery())
        store.prepare()  # what a worker does: nothing else is to be done by hand
        create(store, "r1")
        assert ids(store) == ["r1"]


def test_old_rows_are_removed_and_those_of_open_runs_stay(store: Store) -> None:
    create(store, "open")
    create(store, "closed", labels={"customer": "acme"})
    end(store, "closed", NOW + 1, labelled=True)
    create(store, "recent")
    end(store, "recent", NOW + 50)
    assert store.index.trim(NOW + 10, NOW + 99, 10) == 2
    assert store.index.trim(NOW + 10, NOW + 99, 10) == 0
    assert sorted(ids(store)) == ["open", "recent"]
    assert ids(store, labels={"customer": "acme"}) == []
    assert store.index.by_prefix("closed", 1) == []
    assert [row.id for row in store.index.changed_since(0.0, 9)] == ["recent", "open"]


def test_what_came_after_a_version_is_read_without_a_lease(store: Store) -> None:
    assert store.since("r1", 0) is None
    create(store, "r1")
    assert store.commit(Commit("r1", 1, NOW, batch="[1]")).ok
    store.append_event("r1", 0, '["x"]', NOW)
    for version, batches in ((0, ['[0,["S"]]', "[1]"]), (1, ["[1]"]), (2, []), (3, ['[0,["S"]]', "[1]"])):
        found = store.since("r1", version)
        assert found is not None
        header, log, inbox = found
        assert (header["version"], list(log), list(inbox)) == ("2", batches, ['["x"]']), version


@pytest.mark.service("redis")
def test_keys_of_others_on_the_same_redis_are_walked_through_once(tmp_path: Path) -> None:
    with fresh_store("redis", tmp_path) as store:
        assert isinstance(store, RedisStore)
        create(store, "r1")
        old_worker(store, "r2")
        client = store._connected()
        others = store._prefix + "other:"  # cleared with the store
        client.mset({f"{others}{number}": "" for number in range(5000)})

        def looks() -> int:
            """How many calls one walk with a limit of 200 takes."""
            count, cursor = 0, None
            while count == 0 or cursor is not None:
                _, cursor = store.index.unindexed(cursor, 200)
                count += 1
            return count

        assert looks() > 20
        assert looks() == 4
        assert list(wrong_runs(store)) == ["r2"]
