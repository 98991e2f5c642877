"""The places of limits, on every state store: who has one, who waits, and who comes next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from selinon_core.celery.stores import Store
from selinon_core.celery.stores.limits import ASK, BEGIN, END, TAKE, LimitPlace, LimitStep
from selinon_core.celery.stores.protocol import Commit, Committed, Reopening
from selinon_core.celery.stores.sql.store import SqlStore
from tests.celery.stores import MARKED_KINDS, fresh_store

NOW = 1_800_000_000.0
HEADER = {"flow": "order", "queue": "celery", "status": "running"}


@pytest.fixture(params=MARKED_KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as made:
        yield made


def _ignores_spaces_at_the_end(store: Store) -> bool:
    """MySQL and MariaDB compare texts so, in every collation that both have; ``docs/production/deploying.md``."""
    return isinstance(store, SqlStore) and store.database.engine.dialect.name in ("mysql", "mariadb")


def place(run: str, at: float = 0.0, priority: int = 0, key: str = "acme") -> LimitPlace:
    return LimitPlace(key, run, "order", "celery", priority, NOW + at)


def ask(
    store: Store,
    run: str,
    at: float = 0.0,
    *,
    max: int = 1,
    priority: int = 0,
    action: str = ASK,
    key: str = "acme",
) -> Committed:
    """The first commit of a run: it begins, or waits for its place."""
    limit = LimitStep(action, place(run, at, priority, key), max)
    return store.commit(Commit(run, 0, NOW + at, create=HEADER, limit=limit, keep=True))


def end(store: Store, run: str, key: str = "acme") -> Committed:
    opened = store.acquire_lease(run, 0, 5.0, NOW + 50)
    assert opened is not None
    step = Commit(run, opened.version, NOW + 50, token=opened.token, batch="b", fields={"status": "success"})
    return store.commit(step._replace(clear_timers=True, ttl=60, limit=LimitStep(END, place(run, key=key))))


def runs(places: object) -> list[str]:
    return [each.run for each in places]  # type: ignore[attr-defined]


def test_so_many_have_a_place_and_the_others_wait_in_the_order_of_their_age(store: Store) -> None:
    found = [ask(store, run, at, max=2) for at, run in enumerate("abcd")]
    assert [each.holds for each in found] == [True, True, False, False]
    assert all(each.ok and not each.granted for each in found)
    assert [each.token is not None for each in found] == [True, True, False, False], "who waits has no lease"
    state = store.limits.state("acme")
    assert (state.max, runs(state.holders), runs(state.waiting)) == (2, ["a", "b"], ["c", "d"])
    assert state.waiting[0] == place("c", 2)
    assert store.limits.holds("acme", "a")
    assert not store.limits.holds("acme", "c")
    assert store.limits.waiting_by_name() == {"order": 2}
    assert store.limits.state("other") == (0, [], [])


def test_the_step_that_ends_a_run_grants_its_place_and_the_run_is_due_until_it_begins(store: Store) -> None:
    ask(store, "a", max=1), ask(store, "b", 1, max=1), ask(store, "c", 2, max=1)
    ended = end(store, "a") if store.renew_lease("a", 1, NOW) else None
    assert ended is not None
    assert ended.ok
    assert list(ended.granted) == [place("b", 1)]
    assert store.timers("b") == {"begin": NOW + 50}
    assert store.timers("c") == {}
    due = store.claim_due_runs(NOW + 53, 10, 10.0, 60.0, 60.0)
    assert [(each.flow_id, each.reason) for each in due] == [("b", "timer")]
    opened = store.acquire_lease("b", 0, 5.0, NOW + 54)
    assert opened is not None
    assert list(opened.due) == ["begin"]
    step = Commit("b", 0, NOW + 54, token=opened.token, batch="b", cancelled_timers=["begin"])
    assert store.commit(step._replace(limit=LimitStep(BEGIN, place("b", 1), 1))).holds
    assert store.timers("b") == {}
    assert store.limits.waiting_by_name() == {"order": 1}


def test_a_timer_of_a_run_that_waits_makes_it_due_and_its_end_leaves_the_waiting_list(store: Store) -> None:
    ask(store, "a")
    limit = LimitStep(ASK, place("b", 1), 1)
    step = Commit("b", 0, NOW + 1, create=HEADER, limit=limit, keep=True, timers={"expire": NOW + 20})
    assert not store.commit(step).holds
    assert store.timers("b") == {"expire": NOW + 20}
    assert "b" not in [each.flow_id for each in store.claim_due_runs(NOW + 15, 10, 100.0, 600.0, 600.0)]
    due = store.claim_due_runs(NOW + 24, 10, 100.0, 600.0, 600.0)
    assert ("b", "timer") in [(each.flow_id, each.reason) for each in due]
    opened = store.acquire_lease("b", 0, 5.0, NOW + 25)
    assert opened is not None
    assert list(opened.due) == ["expire"]
    ended = Commit(
        "b", 0, NOW + 25, token=opened.token, batch="b", fields={"status": "cancelled"}, clear_timers=True
    )
    assert store.commit(ended._replace(ttl=60, limit=LimitStep(END, place("b", 1)))).ok
    assert store.timers("b") == {}
    assert store.limits.waiting_by_name() == {}
    assert runs(store.limits.state("acme").holders) == ["a"]


def test_more_places_are_granted_at_once_and_less_end_nothing(store: Store) -> None:
    assert store.limits.allow("acme", 5, NOW) == []
    assert store.limits.state("acme").max == 0, "a key without places is forgotten"
    for at, run in enumerate("abcd"):
        assert not ask(store, run, at, max=0).holds
    assert store.limits.allow("acme", 2, NOW + 9) == [place("a", 0), place("b", 1)]
    assert store.timers("a") == {"begin": NOW + 9}
    assert store.limits.waiting_by_name() == {"order": 2}
    assert store.limits.allow("acme", 0, NOW + 9) == []
    state = store.limits.state("acme")
    assert (state.max, runs(state.holders), runs(state.waiting)) == (0, ["a", "b"], ["c", "d"])


def test_a_run_that_ended_asks_again_and_does_not_expire_while_it_waits(store: Store) -> None:
    ask(store, "a")
    assert end(store, "a").ok if store.renew_lease("a", 1, NOW) else False
    ask(store, "b", 51)
    opened = store.acquire_lease("a", 0, 5.0, NOW + 55)
    assert opened is not None
    fields = {"status": "running", "retry": "{}"}
    step = Commit("a", 1, NOW + 55, token=opened.token, batch="again", fields=fields, keep=True)
    asked = store.commit(step._replace(reopens=Reopening({}, ()), limit=LimitStep(ASK, place("a", 55), 1)))
    assert (asked.ok, asked.holds, asked.token) == (True, False, None)
    assert "a" in store.runs(10)
    assert "a" not in [each.flow_id for each in store.claim_due_runs(NOW + 500, 10, 10.0, 60.0, 60.0)]
    assert store.header("a") is not None
    assert store.renew_lease("b", 1, NOW + 500)
    opened = store.acquire_lease("b", 0, 5.0, NOW + 600)
    assert opened is not None
    ended = Commit("b", 0, NOW + 600, token=opened.token, batch="b", fields={"status": "success"}, ttl=60)
    assert runs(store.commit(ended._replace(limit=LimitStep(END, place("b")))).granted) == ["a"]
    assert ("a", "timer") in [
        (each.flow_id, each.reason) for each in store.claim_due_runs(NOW + 603, 10, 1e6, 1e6, 1e6)
    ]


def test_a_run_that_ended_gets_a_free_place_when_it_asks_again(store: Store) -> None:
    ask(store, "a")
    assert store.renew_lease("a", 1, NOW)
    assert end(store, "a").ok
    opened = store.acquire_lease("a", 0, 5.0, NOW + 55)
    assert opened is not None
    step = Commit("a", 1, NOW + 55, token=opened.token, batch="again", fields={"status": "running"}, keep=True)
    asked = store.commit(step._replace(reopens=Reopening({}, ()), limit=LimitStep(ASK, place("a", 55), 1)))
    assert (asked.ok, asked.holds, asked.token) == (True, True, opened.token)
    assert runs(store.limits.state("acme").holders) == ["a"]
    assert "begin" in store.timers("a"), "it is due if its worker dies now"
    begin = Commit("a", 2, NOW + 56, token=asked.token, batch="b", cancelled_timers=["begin"])
    assert store.commit(begin._replace(limit=LimitStep(BEGIN, place("a", 55), 1))).holds
    assert store.limits.waiting_by_name() == {}


def test_a_larger_priority_comes_first_then_age_then_the_id(store: Store) -> None:
    ask(store, "a")
    for run, at, priority in (("b", 1, 0), ("d", 2, 5), ("c", 2, 5), ("e", 3, 9), ("f", 0.5, 0)):
        assert not ask(store, run, at, priority=priority).holds
    assert runs(store.limits.state("acme").waiting) == ["e", "c", "d", "f", "b"]


def test_asking_again_changes_nothing(store: Store) -> None:
    ask(store, "a"), ask(store, "b", 1)
    assert not ask(store, "a").ok, "this run exists"
    assert not ask(store, "b", 9).ok, "this run exists"
    opened = store.acquire_lease("b", 0, 5.0, NOW + 2)
    assert opened is not None
    again = store.commit(Commit("b", 0, NOW + 2, token=opened.token, limit=LimitStep(ASK, place("b", 9), 1)))
    assert again.ok
    assert not again.holds
    state = store.limits.state("acme")
    assert (runs(state.holders), list(state.waiting)) == (["a"], [place("b", 1)])


def test_what_takes_a_place_is_refused_where_none_is_free_and_leaves_nothing(store: Store) -> None:
    assert ask(store, "a", action=TAKE).holds
    assert not ask(store, "b", 1, action=TAKE).ok
    assert store.header("b") is None
    ask(store, "c", 2)
    assert runs(store.limits.state("acme").waiting) == ["c"]
    # Not past those who wait, although there would be a place.
    assert not ask(store, "d", 3, action=TAKE, max=1).ok
    assert not ask(store, "e", 3, action=TAKE, key="other", max=0).ok
    assert store.limits.state("other") == (0, [], [])


def test_what_has_no_place_does_not_begin(store: Store) -> None:
    ask(store, "a"), ask(store, "b", 1)
    opened = store.acquire_lease("b", 0, 5.0, NOW + 2)
    assert opened is not None
    step = Commit("b", 0, NOW + 2, token=opened.token, batch="b", limit=LimitStep(BEGIN, place("b", 1), 1))
    assert not store.commit(step).ok
    assert store.header("b")["version"] == "0"  # type: ignore[index]


def test_a_run_that_waits_and_ends_leaves_the_list(store: Store) -> None:
    ask(store, "a"), ask(store, "b", 1), ask(store, "c", 2)
    assert not end(store, "b").granted
    assert runs(store.limits.state("acme").waiting) == ["c"]
    assert store.limits.waiting_by_name() == {"order": 1}


def test_a_step_that_is_refused_gives_nothing_back(store: Store) -> None:
    ask(store, "a"), ask(store, "b", 1)
    old = Commit("a", 0, NOW + 2, token=999, fields={"status": "success"}, limit=LimitStep(END, place("a")))
    assert not store.commit(old).ok
    state = store.limits.state("acme")
    assert (runs(state.holders), runs(state.waiting)) == (["a"], ["b"])


def test_a_larger_maximum_counts_when_it_is_asked_with(store: Store) -> None:
    ask(store, "a"), ask(store, "b", 1), ask(store, "c", 2)
    found = ask(store, "d", 3, max=3)
    assert not found.holds
    assert runs(found.granted) == ["b", "c"]
    state = store.limits.state("acme")
    assert (state.max, runs(state.holders), runs(state.waiting)) == (3, ["a", "b", "c"], ["d"])


def test_keys_are_apart_and_odd_ones_are_keys(store: Store) -> None:
    keys = ["acme", "ACME", "a:b", 'a"b\\', "Größe 日本"]
    if not _ignores_spaces_at_the_end(store):
        keys.append("acme ")
    for number, key in enumerate(keys):
        assert ask(store, f"run{number}", key=key).holds, key
    assert all(runs(store.limits.state(key).holders) == [f"run{number}"] for number, key in enumerate(keys))


def test_places_of_runs_that_ended_elsewhere_are_given_back(store: Store) -> None:
    ask(store, "a", key="x"), ask(store, "b", 1, key="x"), ask(store, "c", 2, key="x")
    for run in ("a", "b"):  # as a worker does that knows no limits
        store.renew_lease(run, 1, NOW)
        opened = store.acquire_lease(run, 0, 5.0, NOW + 60)
        assert opened is not None
        fields = {"status": "cancelled"}
        assert store.commit(Commit(run, 0, NOW + 60, token=opened.token, fields=fields, ttl=60)).ok
    granted = [each for _ in range(3) for each in store.limits.tend(NOW + 61, 100)]
    assert runs(granted) == ["c"]
    state = store.limits.state("x")
    assert (runs(state.holders), runs(state.waiting)) == (["c"], [])
    assert store.timers("c") == {"begin": NOW + 61}
    assert store.limits.waiting_by_name() == {}


def test_steps_together_take_no_place_twice(store: Store) -> None:
    steps = [
        Commit(run, 0, NOW, create=HEADER, limit=LimitStep(ASK, place(run, at), 2))
        for at, run in enumerate("abcde")
    ]
    answers = store.commit_all(steps)
    assert sum(isinstance(each, Committed) and each.holds for each in answers) == 2
    assert len(store.limits.state("acme").holders) == 2
