"""What every state store does, on real servers. Times are given, nothing waits."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selinon_core.celery.stores import Store, open_store
from selinon_core.celery.stores.protocol import (
    BUFFERED,
    DUPLICATE,
    ENDED,
    FOREVER,
    GONE,
    LEASE_HELD,
    LEASED,
    NEEDS_ADVANCE,
    REDELIVERED_UNFINISHED,
    RUN,
    STALE,
    Begun,
    Commit,
    NodeRecord,
    Opened,
    Reopening,
)
from selinon_core.celery.stores.sql.store import SqlStore
from selinon_core.celery.stores.sql.tables import SCHEMA_VERSION
from selinon_core.errors import ConfigurationError, MissingExtraError, StateStoreRefused
from tests.celery.stores import MARKED_KINDS, SERVERS, fresh_store, url_of

NOW = 1_800_000_000.0
HEADER = {
    "flow": "main",
    "queue": "q",
    "status": "running",
    "inbox_threshold": "0",
    "idle_check_after": "0",
    "note": "é\n{}",
}


@pytest.fixture(params=MARKED_KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as made:
        yield made


def create(store: Store, id: str = "F", **changes: Any) -> None:
    fields = {**HEADER, **changes.pop("header", {})}
    step = Commit(id, 0, NOW, create=fields, batch='["S"]', **changes)
    assert store.commit(step).ok


def lease(store: Store, id: str = "F", at: float = NOW, known: int = 0) -> Opened:
    opened = store.acquire_lease(id, known, 5.0, at)
    assert opened is not None
    return opened


def test_a_run_is_created_once(store: Store) -> None:
    create(store)
    again = store.commit(Commit("F", 0, NOW, create=HEADER, batch='["other"]'))
    assert not again.ok
    found = store.read("F")
    assert found is not None
    header, log, inbox = found
    assert (list(log), list(inbox), header["note"], header["version"]) == (['["S"]'], [], "é\n{}", "1")
    assert store.runs(10) == ["F"]


def test_of_many_ids_those_with_a_run_are_found(store: Store) -> None:
    for id in ("F", "G"):
        create(store, id)
    store.commit(Commit("G", 1, NOW, token=lease(store, "G").token, batch="[]", fields={"status": "success"}))
    assert store.existing([]) == set()
    header = {"flow": "f", "queue": "q", "status": "running"}
    for id, more in (("H", {"paused": "1"}), ("I", {"limit": "f"}), ("J", {"initial_definition": "d"})):
        assert store.commit(Commit(id, 0, NOW, create={**header, **more})).ok
    ids = ["F", *(f"none{n}" for n in range(1200)), "G", "H", "I", "J"]
    assert store.existing(ids) == {"F", "G", "H", "I", "J"}
    assert store.begun(ids) == {"G", "I", "J"}, "F and H wait for their start messages"


def test_only_one_holds_the_lease_until_it_is_released_or_over(store: Store) -> None:
    create(store)
    first = lease(store)
    assert store.acquire_lease("F", 0, 5.0, NOW + 4.9) is None
    second = lease(store, at=NOW + 5.1)
    assert second.token > first.token
    assert not store.commit(Commit("F", 1, NOW + 6, token=first.token, batch="[]")).ok
    assert store.commit(Commit("F", 1, NOW + 6, token=second.token, batch="[]")).ok
    assert store.acquire_lease("F", 0, 5.0, NOW + 6) is not None


def test_a_renewed_lease_lasts_and_a_lost_one_cannot_be_renewed(store: Store) -> None:
    create(store)
    first = lease(store)
    assert store.renew_lease("F", first.token, NOW + 20)
    assert store.acquire_lease("F", 0, 5.0, NOW + 19) is None
    lease(store, at=NOW + 21)
    assert not store.renew_lease("F", first.token, NOW + 40)


def test_opening_gives_only_the_batches_the_caller_does_not_know(store: Store) -> None:
    create(store)
    opened = lease(store)
    for i in range(3):
        assert store.commit(Commit("F", 1 + i, NOW, token=opened.token, batch=f"[{i}]", keep=True)).ok
    store.commit(Commit("F", 4, NOW, token=opened.token))
    assert list(lease(store, known=2).batches) == ["[1]", "[2]"]
    newer = lease(store, at=NOW + 10, known=99)
    assert (newer.known, list(newer.batches)) == (0, ['["S"]', "[0]", "[1]", "[2]"])


def test_a_commit_of_an_old_version_is_refused(store: Store) -> None:
    create(store)
    opened = lease(store)
    assert store.commit(Commit("F", 1, NOW, token=opened.token, batch="[]", keep=True)).ok
    assert not store.commit(Commit("F", 1, NOW, token=opened.token, batch="[]")).ok


def test_a_completion_counts_once(store: Store) -> None:
    create(store)
    assert store.append_event("F", 1, "[1]", NOW).kind == NEEDS_ADVANCE
    assert store.append_event("F", 1, "[1]", NOW).kind == DUPLICATE
    assert store.append_event("F", 2, "[2]", NOW).kind == NEEDS_ADVANCE
    assert list(lease(store).entries) == ["[1]", "[2]"]
    assert store.append_event("nobody", 1, "[1]", NOW).kind == GONE


def test_completions_wait_quietly_until_something_can_follow(store: Store) -> None:
    create(store, header={"inbox_threshold": "3"})
    assert store.append_event("F", 1, "[1]", NOW, lease=5.0).kind == BUFFERED
    assert store.append_event("F", 2, "[2]", NOW, lease=5.0).kind == BUFFERED
    found = store.append_event("F", 3, "[3]", NOW, lease=5.0)
    assert found.kind == LEASED
    assert found.opened is not None
    assert list(found.opened.entries) == ["[1]", "[2]", "[3]"]
    assert store.append_event("F", 4, "[4]", NOW, lease=5.0, urgent=True).kind == LEASE_HELD


def test_something_urgent_does_not_wait(store: Store) -> None:
    create(store, header={"inbox_threshold": "3"})
    assert store.append_event("F", 1, "[1]", NOW, lease=5.0, urgent=True).kind == LEASED


def test_what_arrives_while_somebody_advances_is_given_to_them(store: Store) -> None:
    create(store)
    opened = lease(store)
    assert store.append_event("F", 1, "[1]", NOW, lease=5.0).kind == LEASE_HELD
    kept = store.commit(Commit("F", 1, NOW, token=opened.token, batch="[]"))
    assert (kept.ok, kept.token, list(kept.entries)) == (True, opened.token, ["[1]"])
    assert store.append_event("F", 2, "[2]", NOW, lease=5.0).kind == LEASE_HELD
    kept = store.commit(Commit("F", 2, NOW, token=opened.token, batch="[]", consumed=1))
    assert list(kept.entries) == ["[2]"]
    assert store.commit(Commit("F", 3, NOW, token=opened.token, batch="[]", consumed=1)).token is None


def test_a_short_cut_is_refused_when_anything_else_happened(store: Store) -> None:
    create(store)
    step = Commit("F", 1, NOW, batch="[]", completes=1)
    opened = lease(store)
    assert not store.commit(step).ok  # another worker advances
    store.commit(Commit("F", 1, NOW, token=opened.token))
    store.append_event("F", 2, "[2]", NOW)
    assert not store.commit(step).ok  # something waits
    opened = lease(store)
    store.commit(Commit("F", 1, NOW, token=opened.token, consumed=1))
    assert store.commit(step).ok
    assert not store.commit(step._replace(version=2)).ok  # done already
    assert store.append_event("F", 1, "[1]", NOW).kind == DUPLICATE


def test_a_delivery_that_was_given_back_does_not_count(store: Store) -> None:
    create(store, outbox=["t1"])
    first = store.claim_delivery("F", 1, 0, False, NOW)
    store.release_delivery("F", 1, 0, first.deliveries)
    store.release_delivery("F", 1, 0, first.deliveries)  # a second time changes nothing
    again = store.claim_delivery("F", 1, 0, True, NOW + 1)
    assert (again.kind, again.deliveries) == (RUN, 1)
    assert store.claim_delivery("F", 1, 0, True, NOW + 2).deliveries == 2  # the receiver vanished: this counts
    store.release_delivery("F", 1, 0, 1)  # of a receiver whose message was claimed again since then
    store.release_delivery("F", 1, 7, 2)
    store.release_delivery("gone", 1, 0, 1)
    assert store.records("F", [1])[1].deliveries == 2
    assert store.stalled_nodes("F", NOW + 3) == [1]
    store.append_event("F", 1, "e", NOW + 3)
    store.release_delivery("F", 1, 0, 2)
    assert store.records("F", [1])[1].done


def test_which_node_run_a_message_carries_is_known(store: Store) -> None:
    create(store)
    assert store.inlined_node("F", 1) is None
    assert store.commit(Commit("F", 1, NOW, completes=1, batch="[]", carrier=1, inlined=2)).ok
    assert store.inlined_node("F", 1) == 2
    assert store.inlined_node("gone", 1) is None


def test_a_message_begins_once_per_serial_or_when_it_is_delivered_again(store: Store) -> None:
    create(store, outbox=["t1"], payloads={1: '{"a": 1}'})
    first = store.claim_delivery("F", 1, 0, False, NOW)
    assert (first.kind, first.deliveries, first.payload) == (RUN, 1, '{"a": 1}')
    assert store.claim_delivery("F", 1, 0, False, NOW).kind == STALE
    again = store.claim_delivery("F", 1, 0, True, NOW)
    assert (again.kind, again.deliveries) == (RUN, 2)
    assert store.claim_delivery("nobody", 1, 0, False, NOW).kind == GONE


def test_a_retry_makes_the_old_message_stale(store: Store) -> None:
    create(store)
    store.claim_delivery("F", 1, 0, False, NOW)
    assert store.retry("F", 1, 0, True, 0, 10.0, NOW) == 1
    assert store.retry("F", 1, 0, True, 0, 10.0, NOW) is None
    assert store.claim_delivery("F", 1, 0, True, NOW).kind == STALE
    second = store.claim_delivery("F", 1, 1, False, NOW)
    assert (second.kind, second.attempts, second.retries, second.deliveries) == (RUN, 1, 1, 1)
    assert store.retry("F", 1, 1, False, 7.0, 10.0, NOW) == 2
    assert store.claim_delivery("F", 1, 2, False, NOW)[1:3] == (2, 1)
    assert store.append_event("F", 1, "[1]", NOW, delivery=1).kind == DUPLICATE
    assert store.append_event("F", 1, "[1]", NOW, delivery=2).kind == NEEDS_ADVANCE
    assert (
        store.claim_delivery("F", 1, 2, True, NOW).kind == REDELIVERED_UNFINISHED
    )  # the inbox holds its completion


def test_what_runs_ahead_of_its_message_is_an_orphan_when_the_message_comes_again(store: Store) -> None:
    create(store, outbox=["t1"])
    opened = lease(store)
    store.commit(Commit("F", 1, NOW, token=opened.token, done=["t1"]))
    store.claim_delivery("F", 1, 0, False, NOW)
    assert store.commit(Commit("F", 1, NOW, completes=1, batch="[]", carrier=1, inlined=2)).ok
    assert store.claim_delivery("F", 1, 0, True, NOW).kind == REDELIVERED_UNFINISHED
    opened = lease(store)
    assert list(opened.outbox) == ["o2"]
    store.commit(Commit("F", 2, NOW, token=opened.token, done=["o2"]))
    record = store.records("F", [1, 2, 3])
    assert (record[1].done, record[2].done, record[2].deliveries, 3 in record) == (True, False, 1, False)
    assert store.next_delivery("F", 2) == 1
    assert store.commit(Commit("F", 2, NOW, completes=2, batch="[]", carrier=1)).ok
    assert store.claim_delivery("F", 1, 0, True, NOW).kind == DUPLICATE
    assert store.next_delivery("F", 2) is None


def test_the_outbox_keeps_what_was_not_carried_out(store: Store) -> None:
    create(store)
    opened = lease(store)
    kept = store.commit(Commit("F", 1, NOW, token=opened.token, batch="[]", outbox=["t1", "t2", "f3"], keep=True))
    assert kept.token == opened.token
    store.commit(Commit("F", 2, NOW, token=opened.token, done=["t1"], keep=True))
    later = lease(store, at=NOW + 6)
    assert sorted(later.outbox) == ["f3", "t2"]


def test_timers_are_told_when_due(store: Store) -> None:
    create(store, timers={"deadline": NOW + 10, "n3": NOW + 20, "q1": NOW + 5})
    assert list(lease(store, at=NOW + 4).due) == []
    assert sorted(lease(store, at=NOW + 11).due) == ["deadline", "q1"]
    opened = lease(store, at=NOW + 30)
    store.commit(
        Commit("F", 1, NOW + 30, token=opened.token, cancelled_timers=["q1"], timers={"deadline": NOW + 99})
    )
    opened = lease(store, at=NOW + 31)
    assert list(opened.due) == ["n3"]
    store.commit(Commit("F", 1, NOW + 31, token=opened.token, clear_timers=True))
    assert list(lease(store, at=NOW + 200).due) == ["n3"]


def test_the_sweep_finds_what_was_left_behind_and_nothing_else(store: Store) -> None:
    def swept(at: float) -> list[tuple[str, str]]:
        return [(due.flow_id, due.reason) for due in store.claim_due_runs(at, 100, 60.0, 60.0, 1e6)]

    create(store, "calm")
    create(store, "timed", timers={"retry": NOW + 50})
    create(store, "sent", outbox=["t1"])
    create(store, "leased")
    lease(store, "leased")
    create(store, "left")
    store.append_event("left", 1, "[1]", NOW)
    assert swept(NOW + 1) == []
    assert sorted(swept(NOW + 6)) == [("leased", "lease"), ("left", "inbox"), ("sent", "outbox")]
    assert swept(NOW + 7) == []  # reported already, reported again later
    assert sorted(swept(NOW + 30)) == [("leased", "lease"), ("left", "inbox"), ("sent", "outbox")]
    assert ("timed", "timer") in swept(NOW + 51)
    assert store.next_due() is not None


def test_looking_at_a_silent_run_does_not_put_off_its_timers(store: Store) -> None:
    create(store, header={"idle_check_after": "2"}, timers={"retry": NOW + 100})
    due = store.next_due()
    while due is not None and due < NOW + 99:
        assert store.claim_due_runs(due + 0.01, 100, 300.0, 60.0, 1e6) == []
        due = store.next_due()
    assert due == pytest.approx(NOW + 100)


def test_a_silent_run_is_looked_at_when_a_message_of_it_never_arrived(store: Store) -> None:
    def swept(at: float) -> list[tuple[str, str]]:
        return [(due.flow_id, due.reason) for due in store.claim_due_runs(at, 100, 60.0, 60.0, 1e6)]

    for id in ("lost", "works"):
        create(store, id, header={"idle_check_after": "5"}, outbox=["t1"], keep=True)
        store.commit(Commit(id, 1, NOW, token=1, done=["t1"]))
    store.claim_delivery("works", 1, 0, False, NOW)
    assert swept(NOW + 6) == []
    assert swept(NOW + 30) == []
    assert swept(NOW + 80) == [("lost", "silent")]
    assert swept(NOW + 81) == []
    assert swept(NOW + 170) == [("lost", "silent")]


def test_a_wake_up_that_changes_nothing_does_not_bring_the_next_one_nearer(store: Store) -> None:
    """A message waits in a queue: its run is woken after 10 s without progress, then after twice that, ..."""
    create(store, header={"idle_check_after": "5"}, outbox=["t1"], keep=True)
    store.commit(Commit("F", 1, NOW, token=1, done=["t1"]))
    woken = []
    now = NOW
    while now < NOW + 3000:
        due = store.next_due()
        assert due is not None
        now = max(now + 0.25, due)
        for found in store.claim_due_runs(now, 100, 10.0, 60.0, 1e6):
            woken.append((round(now - NOW), found.reason))
            opened = lease(store, at=now)
            kept = store.commit(Commit("F", 1, now, token=opened.token, keep=True))
            store.commit(Commit("F", 1, now, token=kept.token, done=["again 0"]))
    assert [reason for _, reason in woken] == ["silent"] * len(woken)
    assert [at for at, _ in woken] == pytest.approx([10 * 2**n for n in range(len(woken))], rel=0.1)
    assert len(woken) == 9


def test_what_moves_a_run_on_brings_the_next_look_near_again(store: Store) -> None:
    create(store, header={"idle_check_after": "5"}, outbox=["t1"], keep=True)
    store.commit(Commit("F", 1, NOW, token=1, done=["t1"]))
    assert [due.reason for due in store.claim_due_runs(NOW + 1000, 100, 10.0, 60.0, 1e6)] == ["silent"]
    assert store.claim_delivery("F", 1, 0, False, NOW + 1001).kind == RUN
    assert store.retry("F", 1, 0, True, 500.0, 10.0, NOW + 1002) == 1
    assert [due.reason for due in store.claim_due_runs(NOW + 1503, 100, 10.0, 60.0, 1e6)] == ["timer"]
    opened = lease(store, at=NOW + 1503)
    assert store.commit(Commit("F", 1, NOW + 1503, token=opened.token, cancelled_timers=["n1"])).ok
    assert store.claim_due_runs(NOW + 1508.5, 100, 10.0, 60.0, 1e6) == []
    assert [due.reason for due in store.claim_due_runs(NOW + 1514, 100, 10.0, 60.0, 1e6)] == ["silent"]


def test_a_run_that_is_created_as_one_that_has_ended_keeps_its_outbox(store: Store) -> None:
    def swept(at: float) -> list[str]:
        return [due.reason for due in store.claim_due_runs(at, 100, 10.0, 60.0, 1e6)]

    ended = {"status": "cancelled"}
    step = Commit(
        "F", 0, NOW, create={**HEADER, **ended}, batch='["S"]', outbox=["p", "r"], fields=ended, keep=True
    )
    made = store.commit(step._replace(ttl=1000.0))
    assert (made.ok, made.token is not None) == (True, True)
    assert not store.commit(step).ok
    assert swept(NOW + 4) == []
    assert swept(NOW + 6) == ["lease"]  # who created it is dead
    opened = lease(store, at=NOW + 6)
    assert (sorted(opened.outbox), opened.version) == (["p", "r"], 1)
    assert store.commit(Commit("F", 1, NOW + 6, token=opened.token, done=["p", "r"])).ok
    assert swept(NOW + 600) == []
    assert list(lease(store, at=NOW + 600).outbox) == []


def test_effects_that_keep_failing_are_tried_more_and_more_rarely(store: Store) -> None:
    create(store, outbox=["r"])
    now, woken = NOW, 0
    while now < NOW + 600:
        now += 1.0
        for _ in store.claim_due_runs(now, 100, 10.0, 60.0, 1e6):
            woken += 1
            store.commit(Commit("F", 1, now, token=lease(store, at=now).token))
    assert woken <= 9


def test_a_node_run_that_was_given_up_is_missed_soon_though_its_run_was_silent_for_long(store: Store) -> None:
    create(store, header={"idle_check_after": "5"}, outbox=["t1", "t2"], keep=True)
    store.commit(Commit("F", 1, NOW, token=1, done=["t1", "t2"]))
    assert store.claim_delivery("F", 1, 0, False, NOW).kind == RUN
    store.heartbeat("F", [1], NOW + 4000)
    assert [due.reason for due in store.claim_due_runs(NOW + 4000, 100, 10.0, 60.0, 60.0)] == ["silent"]
    assert store.claim_due_runs(NOW + 4055, 100, 10.0, 60.0, 60.0) == []
    assert [due.reason for due in store.claim_due_runs(NOW + 4062, 100, 10.0, 60.0, 60.0)] == ["lost"]
    assert store.next_delivery("F", 1) == 1
    assert [due.reason for due in store.claim_due_runs(NOW + 4130, 100, 10.0, 60.0, 60.0)] == ["silent"]


def test_what_waits_for_its_time_is_not_missed(store: Store) -> None:
    """A retry after an hour, or a throttled start: no message of theirs is on its way."""
    create(store, "retries", header={"idle_check_after": "5"}, outbox=["t1"], keep=True)
    store.commit(Commit("retries", 1, NOW, token=1, done=["t1"]))
    store.claim_delivery("retries", 1, 0, False, NOW)
    assert store.retry("retries", 1, 0, True, 3600.0, 10.0, NOW) == 1
    create(store, "throttled", header={"idle_check_after": "5"})
    throttled = [("t1", "Slow", 3600.0), ("t2", "Slow", 3600.0), ("f3", "Slow", 3600.0)]
    assert store.commit(Commit("throttled", 1, NOW, throttled=throttled, keep=True, lease=1.0)).ok
    store.claim_delivery("throttled", 1, 0, False, NOW)
    store.commit(Commit("throttled", 1, NOW, token=1, done=["t1"]))
    for seconds in range(10, 3000, 50):
        assert store.claim_due_runs(NOW + seconds, 100, 10.0, 60.0, 1e6) == []
    assert {due.reason for due in store.claim_due_runs(NOW + 3700, 100, 10.0, 60.0, 1e6)} == {"timer"}


def test_throttled_nodes_are_exactly_spaced_over_all_runs(store: Store) -> None:
    create(store, "one")
    create(store, "two")
    first = store.commit(Commit("one", 1, NOW, batch="[]", throttled=[("t1", "Slow", 10.0), ("t2", "Slow", 10.0)]))
    second = store.commit(Commit("two", 1, NOW + 1, batch="[]", throttled=[("f1", "Slow", 10.0)]))
    assert [*first.delays, *second.delays] == pytest.approx([0.0, 10.0, 19.0], abs=1e-3)
    assert list(lease(store, "one").outbox) == ["t1"]
    assert list(lease(store, "one", at=NOW + 11).due) == ["n2"]
    assert list(lease(store, "two", at=NOW + 21).due) == ["s1"]


def test_an_ended_run_takes_no_events_and_forgets_its_inbox(store: Store) -> None:
    create(store)
    opened = lease(store)
    store.append_event("F", 1, "[1]", NOW)
    step = Commit("F", 1, NOW, token=opened.token, batch="[]", fields={"status": "failure", "note": "x"})
    assert store.commit(step._replace(ttl=100.0)).ok
    assert store.append_event("F", 2, "[2]", NOW).kind == ENDED
    header = store.header("F")
    assert header is not None
    assert (header["status"], header["note"]) == ("failure", "x")
    assert store.runs(10) == []


def test_errors_are_kept_by_task(store: Store) -> None:
    create(store)
    store.append_event("F", 1, "[1]", NOW, error=("task-id", '{"type": "ValueError"}'), ttl=1000)
    assert store.error("task-id") == '{"type": "ValueError"}'
    assert store.error("other") is None


def test_one_leads_at_a_time(store: Store) -> None:
    assert store.acquire_leadership("a", NOW + 100, NOW)
    assert not store.acquire_leadership("b", NOW + 100, NOW + 1)
    assert store.acquire_leadership("a", NOW + 200, NOW + 50)


def test_of_many_that_complete_the_same_node_one_counts(store: Store) -> None:
    create(store, header={"inbox_threshold": "1000"})
    found: list[str] = []
    barrier = threading.Barrier(4)

    def complete() -> None:
        barrier.wait()
        found.extend(store.append_event("F", number, f"[{number}]", NOW).kind for number in range(1, 21))

    threads = [threading.Thread(target=complete) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (found.count(BUFFERED), found.count(DUPLICATE)) == (20, 60)
    assert len(lease(store).entries) == 20


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.service("postgres"))])
def test_many_may_prepare_a_database_at_once(kind: str, tmp_path: Path, private_name: str) -> None:
    if kind == "postgres":
        from tests.conftest import need

        need(kind)
    stores = [open_store(url_of(kind, tmp_path), private_name + "_") for _ in range(8)]
    failures: list[Exception] = []

    def prepare(store: Store) -> None:
        try:
            store.prepare()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=prepare, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    create(stores[0])
    assert failures == []
    stores[0].clear()
    for store in stores:
        store.close()


@pytest.mark.parametrize(
    ("version", "sentence"), [(SCHEMA_VERSION + 1, "a newer selinon made them"), (1, "an older selinon made them")]
)
def test_tables_of_another_version_are_refused_with_what_to_do(
    version: int, sentence: str, tmp_path: Path
) -> None:
    store = open_store(url_of("sqlite", tmp_path))
    assert isinstance(store, SqlStore)
    store.prepare()
    schema = store.tables.schema
    store.database.do(lambda connection: connection.execute(schema.update().values(version=version)))
    with pytest.raises(ConfigurationError, match=f"schema version {version}.*{sentence}.*selinon_state_prefix"):
        store.prepare()
    store.close()


@pytest.mark.parametrize("kind", ["redis", "postgres", "sqlite"])
@pytest.mark.parametrize(
    ("id", "number"), [("lone \ud800", 1), ("F" * 65, 1), ("F", 1 << 31), ("F", 1 << 70), ("nul \0", 1)]
)
def test_what_a_store_cannot_hold_is_refused_at_once(kind: str, id: str, number: int, tmp_path: Path) -> None:
    """Trying again would not help: such an error is not that the store is away."""
    from tests.conftest import need

    if kind in SERVERS:
        need(kind)
    with fresh_store(kind, tmp_path) as store, contextlib.suppress(StateStoreRefused):
        create(store, id)
        store.append_event(id, number, "[1]", NOW)


def test_a_missing_table_is_not_that_the_store_is_away(tmp_path: Path) -> None:
    from tests.conftest import need

    need("postgres")
    with fresh_store("postgres", tmp_path) as store:
        store.clear()
        with pytest.raises(StateStoreRefused, match="ProgrammingError"):
            store.header("F")


@pytest.mark.parametrize("url", ["rpc://", "cache+memcached://127.0.0.1", "file:///tmp/x"])
def test_what_cannot_serve_is_said(url: str) -> None:
    with pytest.raises(ConfigurationError, match="selinon_state_url"):
        open_store(url)


def test_the_error_of_a_node_run_that_was_never_started_is_kept(store: Store) -> None:
    assert store.error("never-started") is None
    store.put_errors({"never-started": '{"type":"é"}', "another": '{"type":"A"}'}, NOW, 60.0)
    store.put_errors({"never-started": '{"type":"ArgumentError"}'}, NOW, 0.0)
    assert store.error("never-started") == '{"type":"ArgumentError"}'
    assert store.error("another") == '{"type":"A"}'


def test_many_errors_of_one_step_are_kept(store: Store) -> None:
    errors = {f"failed-{number}": f'{{"type":"E{number}"}}' for number in range(1200)}
    store.put_errors(errors, NOW, 60.0)
    assert [store.error(f"failed-{number}") for number in (0, 700, 1199)] == [
        '{"type":"E0"}',
        '{"type":"E700"}',
        '{"type":"E1199"}',
    ]


def test_shapes_are_kept_for_good(store: Store) -> None:
    assert store.get_definition("one") is None
    store.put_definition("one", '{"flow":"é"}')
    store.put_definition("one", '{"flow":"é"}')
    store.put_definition("two", "x" * 100_000)
    assert store.get_definition("one") == '{"flow":"é"}'
    assert len(store.get_definition("two") or "") == 100_000


def test_fields_of_the_header_can_be_replaced(store: Store) -> None:
    create(store)
    opened = lease(store)
    step = Commit(
        "F", opened.version, NOW, token=opened.token, batch='["m"]', fields={"note": "new", "inbox_threshold": "7"}
    )
    assert store.commit(step).ok
    header = store.header("F")
    assert header is not None
    assert (header["note"], header["inbox_threshold"], header["flow"]) == ("new", "7", "main")


def test_what_nobody_works_on_any_more_is_lost(store: Store) -> None:
    """A receiver that is gone says nothing more, and its message may be gone with it."""
    create(store, header={"idle_check_after": "2"}, outbox=["t1", "t2", "f3"], lease=5.0, keep=False)
    opened = lease(store)
    step = Commit("F", opened.version, NOW, token=opened.token, done=["t1", "t2", "f3"])
    assert store.commit(step).ok
    for number in (1, 2, 3):
        assert store.claim_delivery("F", number, 0, False, NOW).kind == RUN
    assert store.stalled_nodes("F", NOW - 1) == []
    assert store.stalled_nodes("F", NOW) == [1, 2, 3]
    store.heartbeat("F", [1, 7], NOW + 50)
    store.heartbeat("F", [3], FOREVER)
    assert store.stalled_nodes("F", NOW + 40) == [2]

    def reasons(at: float) -> list[str]:
        return [due.reason for due in store.claim_due_runs(at, 100, 1000.0, 10.0, 60.0)]

    assert reasons(NOW + 30) == []
    assert reasons(NOW + 62) == ["lost"]
    assert store.next_delivery("F", 2) == 1
    assert store.stalled_nodes("F", NOW + 49) == []
    assert store.claim_delivery("F", 2, 1, False, NOW + 63).kind == RUN
    assert store.append_event("F", 1, '["+",1]', NOW + 64).kind == NEEDS_ADVANCE
    assert store.stalled_nodes("F", NOW + 1000) == [2], "what is done is not waited for"
    assert store.retry("F", 2, 1, True, 5.0, 0.0, NOW + 65) == 2
    assert store.stalled_nodes("F", NOW + 1000) == []


def test_what_is_run_ahead_is_seen_with_its_message(store: Store) -> None:
    create(store, header={"idle_check_after": "2"}, outbox=["t1"])
    assert store.claim_delivery("F", 1, 0, False, NOW).kind == RUN
    opened = lease(store)
    ahead = Commit("F", opened.version, NOW, token=opened.token, batch='["+"]', done=["t1"], carrier=1, inlined=2)
    assert store.commit(ahead).ok
    store.heartbeat("F", [1], NOW + 50)
    assert store.stalled_nodes("F", NOW + 49) == []
    assert store.stalled_nodes("F", NOW + 50) == [1, 2]


def test_what_a_step_sets_stays_though_it_clears_the_rest(store: Store) -> None:
    create(store, timers={"deadline": NOW + 5, "q1": NOW + 6, "n3": NOW + 7, "retry": NOW + 8})
    step = Commit(
        "F", 1, NOW, timers={"deadline": NOW + 9, "retry": NOW + 4}, clear_timers=True, cancelled_timers=["retry"]
    )
    assert store.commit(step).ok
    assert store.timers("F") == {"deadline": NOW + 9, "n3": NOW + 7, "retry": NOW + 4}
    assert store.next_due() == NOW + 4
    assert store.commit(Commit("F", 1, NOW, timers={"n3": NOW + 20}, cancelled_timers=["retry"])).ok
    assert store.next_due() == NOW + 9


def test_effects_that_are_put_twice_or_done_in_the_same_step(store: Store) -> None:
    create(store, outbox=["t1", "t2"], keep=True)
    opened = lease(store, at=NOW + 6)
    step = Commit("F", 1, NOW + 6, token=opened.token, outbox=["t2", "t3", "t3", "t4"], done=["t1", "t4"])
    assert store.commit(step).ok
    assert sorted(lease(store, at=NOW + 7).outbox) == ["t2", "t3"]


def test_a_step_of_every_size(store: Store) -> None:
    keys = [f"t{number}" for number in range(1, 1201)]
    create(store, outbox=keys, payloads=dict.fromkeys(range(700), "x"), keep=True)
    for number in range(600):
        assert store.append_event("F", number + 1, f'["N",{number}]', NOW).kind == LEASE_HELD
    opened = lease(store, at=NOW + 6)
    assert (len(opened.outbox), len(opened.entries)) == (1200, 600)
    step = Commit("F", 1, NOW + 6, token=opened.token, batch='["S"]', consumed=550, done=keys[:1199])
    committed = store.commit(step)
    assert (committed.ok, len(committed.entries), committed.entries[0]) == (True, 50, '["N",550]')
    assert committed.token == opened.token
    again = lease(store, at=NOW + 20, known=1)
    assert (list(again.outbox), len(again.entries), list(again.batches)) == (["t1200"], 50, ['["S"]'])


def test_a_driver_that_is_not_installed_is_said() -> None:
    store = open_store("db+mssql+pyodbc://here/db")
    with pytest.raises(MissingExtraError, match="pyodbc"):
        store.prepare()


def test_messages_that_came_together_are_claimed_as_if_one_by_one(store: Store) -> None:
    create(store, outbox=["t1", "t2", "t3", "t4"], payloads={3: "large"})
    assert store.claim_delivery("F", 2, 1, False, NOW).kind == RUN
    assert store.append_event("F", 4, '["N",4]', NOW).kind != DUPLICATE
    claims = store.claim_deliveries("F", {1: 0, 2: 0, 3: 0, 4: 0, 5: 2}, NOW)
    assert [claim.kind for claim in claims] == [RUN, STALE, RUN, REDELIVERED_UNFINISHED, RUN]
    assert [claim.payload for claim in claims] == [None, None, "large", None, None]
    assert [claim.deliveries for claim in (claims[0], claims[2], claims[4])] == [1, 1, 1]
    assert store.claim_deliveries("F", {1: 0, 3: 0}, NOW) == [Begun(STALE), Begun(STALE)]
    assert store.claim_delivery("F", 1, 0, True, NOW).deliveries == 2
    assert store.stalled_nodes("F", NOW) == [1, 2, 3, 5]
    assert store.claim_deliveries("G", {1: 0, 2: 0}, NOW) == [Begun(GONE), Begun(GONE)]


def test_successes_that_are_kept_together_count_once_each(store: Store) -> None:
    create(store, header={"inbox_threshold": "4"})
    assert store.append_successes("G", {1: '["N",1]'}, NOW).kind == GONE
    assert store.append_successes("F", {1: '["N",1]', 2: '["N",2]'}, NOW).kind == BUFFERED
    assert store.append_successes("F", {1: '["N",1]', 2: '["N",2]'}, NOW).kind == DUPLICATE
    assert store.append_successes("F", {2: '["N",2]', 3: '["N",3]'}, NOW).kind == BUFFERED
    found = store.append_successes("F", {4: '["N",4]', 5: '["N",5]'}, NOW, known=1, lease=5.0)
    assert found.kind == LEASED
    assert found.opened is not None
    assert list(found.opened.entries) == [f'["N",{number}]' for number in range(1, 6)]
    assert list(found.opened.batches) == []
    assert store.append_successes("F", {6: '["N",6]'}, NOW).kind == LEASE_HELD
    assert all(record.done for record in store.records("F", range(1, 7)).values())
    step = Commit("F", 1, NOW, token=found.opened.token, batch="[]", consumed=5, fields={"status": "success"})
    assert store.commit(step).ok
    assert store.append_successes("F", {7: '["N",7]'}, NOW).kind == ENDED


def test_successes_kept_without_a_lease_have_the_run_advanced(store: Store) -> None:
    create(store)
    assert store.append_successes("F", {1: '["N",1]', 2: '["N",2]'}, NOW).kind == NEEDS_ADVANCE
    due = store.next_due()
    assert due is not None
    assert due <= NOW + 10


@pytest.mark.service("postgres")
def test_a_step_that_only_clears_does_not_wait_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.conftest import need

    need("postgres")
    with fresh_store("postgres", tmp_path) as store:
        assert isinstance(store, SqlStore)
        texts: list[str] = []
        call = store.database.call

        def noted(text: str, values: Any) -> Any:
            texts.append(text)
            return call(text, values)

        monkeypatch.setattr(store.database, "call", noted)
        began = store.commit(Commit("F", 0, NOW, create=HEADER, batch="[]", outbox=["r"], keep=True))
        assert store.commit(Commit("F", 1, NOW, token=began.token, done=["r"])).ok
        assert ["synchronous_commit" in text for text in texts] == [False, True]
        opened = store.acquire_lease("F", 0, 5.0, NOW)
        assert opened is not None
        assert list(opened.outbox) == []
        text = "SELECT current_setting('synchronous_commit')"
        after = store.database.do(lambda connection: connection.exec_driver_sql(text).scalar())
        assert after == "on"  # of the same connection: it was for that transaction only


# -- a run that failed and goes on ------------------------------------------------------------------------------


def failed_run(store: Store) -> Opened:
    """A run that ended in failure, of which node run 1 failed and 2 runs, with its lease."""
    start = Commit("r", 0, NOW, create=HEADER, batch="[0]", outbox=["t1", "t2"], keep=True)
    token = store.commit(start).token
    assert token is not None
    for number in (1, 2):
        assert store.claim_delivery("r", number, 0, False, NOW + number).kind == RUN
    store.retry("r", 1, 0, True, 5.0, 1.0, NOW + 3)
    assert store.claim_delivery("r", 1, 1, False, NOW + 4).kind == RUN
    store.append_event("r", 1, '["-",1]', NOW + 5, delivery=1, error=("task-1", "{}"), ttl=1000)
    done = Commit("r", 1, NOW + 6, token, batch="[1]", consumed=1, done=["t1", "t2"], clear_timers=True, ttl=1000)
    assert store.commit(done._replace(fields={"status": "failure", "reason": "why"})).ok
    opened = store.acquire_lease("r", 0, 5.0, NOW + 20)
    assert opened is not None
    assert store.runs(5) == []
    return opened


def reopening(opened: Opened, again: dict[int, str], awaited: tuple[int, ...]) -> Commit:
    fields = {"status": "running", "reason": ""}
    made = Commit("r", opened.version, NOW + 21, opened.token, batch="[2]", fields=fields, outbox=["t1"])
    return made._replace(reopens=Reopening(again, awaited), keep=True, ttl=1000)


def test_a_failed_run_goes_on_and_what_runs_again_is_counted_anew(store: Store) -> None:
    opened = failed_run(store)
    assert store.commit(reopening(opened, {1: "task-1"}, (2,))).ok
    assert store.runs(5) == ["r"]
    assert store.error("task-1") is None
    assert store.records("r", [1])[1] == NodeRecord(2)
    assert store.records("r", [2])[2].begun_at == pytest.approx(NOW + 2)
    assert store.claim_delivery("r", 1, 1, True, NOW + 21.2).kind == STALE  # a message of before
    assert store.append_event("r", 1, '["+",1]', NOW + 21.3, delivery=1).kind == DUPLICATE  # its end
    assert store.claim_delivery("r", 1, 2, False, NOW + 21.4) == Begun(RUN, 0, 0, 1)
    assert store.append_event("r", 1, '["+",1]', NOW + 21.5, delivery=2).kind == LEASE_HELD
    assert store.append_event("r", 2, '["+",2]', NOW + 21.6).kind == LEASE_HELD
    found = store.read("r")
    assert found is not None
    assert list(found[1]) == ["[0]", "[1]", "[2]"]
    assert (found[0]["status"], found[0]["reason"]) == ("running", "")
    assert list(found[2]) == ['["+",1]', '["+",2]']


def test_a_run_that_goes_on_does_not_expire(store: Store) -> None:
    opened = failed_run(store)
    assert store.commit(reopening(opened, {1: "task-1"}, (2,))).ok
    store.claim_due_runs(NOW + 5000, 10, 60.0, 5.0, 60.0)  # removes what has expired
    assert store.header("r") is not None


def test_a_run_does_not_go_on_when_what_it_waits_for_has_ended(store: Store) -> None:
    opened = failed_run(store)
    assert store.append_event("r", 2, '["+",2]', NOW + 20.5).kind == ENDED
    before = store.read("r")
    assert not store.commit(reopening(opened, {1: "task-1"}, (2,))).ok
    assert store.read("r") == before
    assert store.records("r", [1])[1].done
    assert store.error("task-1") == "{}"
    assert store.commit(reopening(opened, {1: "task-1"}, ())).ok


def test_a_run_that_was_cancelled_before_it_began_may_begin(store: Store) -> None:
    tombstone = Commit("r", 0, NOW, create={**HEADER, "status": "cancelled"}, batch="[0]", ttl=10)
    assert store.commit(tombstone._replace(fields={"status": "cancelled"})).ok
    opened = store.acquire_lease("r", 0, 5.0, NOW + 1)
    assert opened is not None
    fields = {"status": "running", "reason": "", "initial_definition": "x"}
    begins = Commit("r", 1, NOW + 2, opened.token, batch="[1]", fields=fields, reopens=Reopening({}, ()))
    assert store.commit(begins).ok
    found = store.header("r")
    assert found is not None
    assert (found["status"], found["initial_definition"]) == ("running", "x")
