"""Steps of several flow runs in one request to a store: each is kept or refused by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selinon_core.celery.stores import Store
from selinon_core.celery.stores.index import IndexChange, IndexRow, RunQuery
from selinon_core.celery.stores.protocol import Commit, Committed, Reopening
from selinon_core.errors import StateStoreError, StateStoreRefused
from tests.celery.stores import MARKED_KINDS, fresh_store

NOW = 1_800_000_000.0
HEADER = {"flow": "main", "queue": "q", "status": "running", "inbox_threshold": "0", "idle_check_after": "0"}
RUNNING = {"status": "running", "reason": ""}


@pytest.fixture(params=MARKED_KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as made:
        made.commit(Commit("first of the process", 0, NOW, create=HEADER))
        yield made


def start(id: str, **changes: Any) -> Commit:
    return Commit(id, 0, NOW, create=HEADER, batch='["S"]', **changes)


def log_of(store: Store, id: str) -> list[str]:
    found = store.read(id)
    return [] if found is None else list(found[1])


def test_each_is_kept(store: Store) -> None:
    kept = store.commit_all(
        [start("B", carrier=0, inlined=1), start("A", outbox=["t1"], keep=True), start("C", payloads={1: "{}"})]
    )
    assert all(isinstance(each, Committed) and each.ok for each in kept)
    assert [each.token for each in kept if isinstance(each, Committed)] == [None, 1, None]
    assert [log_of(store, id) for id in "ABC"] == [['["S"]']] * 3
    assert store.inlined_node("B", 0) == 1
    assert store.payload("C", 1) == "{}"
    opened = store.acquire_lease("A", 0, 5.0, NOW + 100)
    assert opened is not None
    assert list(opened.outbox) == ["t1"]


def test_what_is_refused_takes_no_other_along(store: Store) -> None:
    assert store.commit(start("old")).ok
    answers = store.commit_all([start("good"), start("old"), start("better"), Commit("missing", 3, NOW)])
    assert [each.ok for each in answers if isinstance(each, Committed)] == [True, False, True, False]
    assert log_of(store, "good") == log_of(store, "better") == log_of(store, "old") == ['["S"]']
    assert store.read("missing") is None


def test_a_value_that_cannot_be_stored_takes_no_other_along(store: Store) -> None:
    bad = Commit("bad", 0, NOW, create=HEADER, batch='["\ud800"]')
    answers = store.commit_all([start("good"), bad, start("better")])
    first, refused, last = answers
    assert isinstance(first, Committed)
    assert isinstance(last, Committed)
    assert first.ok
    assert last.ok
    assert log_of(store, "good") == log_of(store, "better") == ['["S"]']
    if not isinstance(refused, Committed):  # in memory nothing is encoded
        assert isinstance(refused, StateStoreRefused)
        assert store.header("bad") is None


def test_throttled_starts_keep_their_distance(store: Store) -> None:
    steps = [start(id, throttled=[("t1", "Slow", 10.0)]) for id in ("B", "A", "C")]
    answers = [each for each in store.commit_all([*steps, start("D")]) if isinstance(each, Committed)]
    assert sorted(round(delay) for each in answers for delay in each.delays) == [0, 10, 20]


def test_ends_of_inlined_nodes_are_kept_together(store: Store) -> None:
    ids = [f"run-{number}" for number in range(20)]
    store.commit_all([start(id, carrier=0, inlined=1) for id in ids])
    store.append_event(ids[3], 0, '["C"]', NOW)  # something else happened: the short cut is refused
    steps = [Commit(id, 1, NOW, completes=1, batch='["N",1]', carrier=0, inlined=2) for id in ids]
    answers = [each for each in store.commit_all(steps) if isinstance(each, Committed)]
    assert [id for id, each in zip(ids, answers, strict=True) if not each.ok] == [ids[3]]
    assert {store.records(id, [1])[1].done for id in ids if id != ids[3]} == {True}
    again = [each for each in store.commit_all(steps) if isinstance(each, Committed)]
    assert not any(each.ok for each in again)


def test_what_changes_in_the_index_is_kept_with_its_step(store: Store) -> None:
    rows = {id: IndexRow(id, "main", "running", NOW, begun=NOW, changed=NOW, labels={"of": id}) for id in "ABC"}
    begin = [start(id, index_change=IndexChange(row, labelled=True)) for id, row in rows.items()]
    store.commit_all([*begin, start("B", index_change=IndexChange(rows["B"]._replace(status="failure")))])
    assert {id: store.index.get(id) for id in rows} == rows
    ended = IndexChange(columns={"status": "success", "ended": NOW, "reason": ""}, labelled=True)
    fields = {"status": "success", "reason": ""}
    store.commit_all([Commit(id, 1, NOW, batch="[0]", fields=fields, ttl=60.0, index_change=ended) for id in "AB"])
    found = {row.id: row.status for row in store.index.find(RunQuery()).rows}
    assert found == {"A": "success", "B": "success", "C": "running"}


def test_a_run_that_failed_goes_on_beside_others(store: Store) -> None:
    """What fails is done: its record starts anew, and its error is gone; a refused step lets nothing go on."""
    failed = {"status": "failure", "reason": "failed"}
    tokens = {}
    for id in "AB":
        store.commit(start(id, carrier=0, inlined=1))
        store.put_errors({f"{id}-1": "{}"}, NOW, 60.0)
        store.commit(Commit(id, 1, NOW, completes=1, batch='["F",1]', fields=failed, ttl=60.0))
        opened = store.acquire_lease(id, 0, 5.0, NOW)
        assert opened is not None
        tokens[id] = opened.token
    again = {
        id: Commit(id, 2, NOW, token=token, batch='["R"]', fields=RUNNING, reopens=Reopening({1: f"{id}-1"}, ()))
        for id, token in tokens.items()
    }
    again["B"] = again["B"]._replace(reopens=Reopening({}, (1,)))  # it is done, and not waited for
    answers = store.commit_all([start("C"), again["A"], again["B"], start("D")])
    assert [each.ok for each in answers if isinstance(each, Committed)] == [True, True, False, True]
    assert [store.records(id, [1])[1].done for id in "AB"] == [False, True]
    assert store.records("A", [1])[1].delivery == 1
    assert [store.error(f"{id}-1") for id in "AB"] == [None, "{}"]
    headers = [store.header(id) for id in "AB"]
    assert [header["status"] for header in headers if header is not None] == ["running", "failure"]


def test_none_and_one_are_requests_too(store: Store) -> None:
    assert list(store.commit_all([])) == []
    (kept,) = store.commit_all([start("A")])
    assert isinstance(kept, Committed)
    assert kept.ok


@pytest.mark.service("redis")
def test_a_server_that_forgot_the_scripts_is_no_loss(tmp_path: Path) -> None:
    from tests.conftest import need

    need("redis")
    with fresh_store("redis", tmp_path) as store:
        assert store.commit(start("first")).ok
        client: Any = store._connected()  # type: ignore[attr-defined]
        store._shas = dict.fromkeys(store._shas, "0" * 40)  # type: ignore[attr-defined]  (as after a restart)
        answers = store.commit_all([start("A"), start("B")])
        assert all(isinstance(each, Committed) and each.ok for each in answers)
        client.close()


def test_a_store_that_is_away_says_so_of_each(tmp_path: Path) -> None:
    from selinon_core.celery.stores.redis.store import RedisStore

    store = RedisStore("redis://127.0.0.1:1/0")
    answers = store.commit_all([start("A"), start("B")])
    assert [type(each) for each in answers] == [StateStoreError, StateStoreError]
