"""The places of tasks, on every state store: which node runs have one, which wait, and which come next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from selinon_core.celery.stores import Store
from selinon_core.celery.stores.limits import LimitPlace, LimitState, holder_of, is_left, read_holder
from selinon_core.celery.stores.protocol import OUT_OF_REACH, Commit
from tests.celery.stores import MARKED_KINDS, fresh_store

NOW = 1_800_000_000.0
HEADER = {"flow": "order", "queue": "celery", "status": "running"}


@pytest.fixture(params=MARKED_KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as made:
        outbox = [f"t{number}" for number in range(1, 7)]
        for run in ("f", "g"):
            begun = made.commit(Commit(run, 0, NOW, create=HEADER, batch="b", outbox=outbox, keep=True))
            assert made.commit(Commit(run, 1, NOW, token=begun.token, done=outbox)).ok
        yield made


def place(number: int, at: float = 0.0, *, run: str = "f", key: str = "api", priority: int = 0) -> LimitPlace:
    return LimitPlace(key, holder_of(run, number), "Call", "celery", priority, NOW + at)


def claim(store: Store, number: int, at: float = 0.0, *, max: int = 1, run: str = "f", priority: int = 0) -> bool:
    """A message came and its task asks for a place; without one the message is sent much later."""
    store.claim_delivery(run, number, 0, False, NOW + at)
    placed = store.task_limits.claim(place(number, at, run=run, priority=priority), max, NOW + at)
    assert list(placed.granted) == []
    if not placed.holds:
        assert store.retry(run, number, 0, False, 600.0, 0.0, NOW + at, attempted=False) == 1
    return placed.holds


def numbers(places: object) -> list[int]:
    return [read_holder(each.run)[1] for each in places]  # type: ignore[attr-defined]


def test_so_many_have_a_place_and_the_others_wait_by_priority_and_age(store: Store) -> None:
    assert [claim(store, n, n, max=2) for n in (1, 2, 3, 4)] == [True, True, False, False]
    assert not claim(store, 5, 5, max=2, priority=7)
    state = store.task_limits.state("api")
    assert (state.max, numbers(state.holders), numbers(state.waiting)) == (2, [1, 2], [5, 3, 4])
    assert state.waiting[1] == place(3, 3)
    assert store.task_limits.holds("api", holder_of("f", 1))
    assert not store.task_limits.holds("api", holder_of("f", 3))
    assert store.task_limits.waiting_by_name() == {"Call": 3}
    assert store.task_limits.of([holder_of("f", 1), holder_of("f", 4), "9:f"]) == {
        holder_of("f", 1): (place(1, 1), True),
        holder_of("f", 4): (place(4, 4), False),
    }
    assert store.limits.state("api") == LimitState(0, [], []), "places of runs are apart"


def test_a_place_that_is_given_back_makes_the_message_of_the_next_one_due(store: Store) -> None:
    claim(store, 1), claim(store, 2, 1), claim(store, 3, 2, run="g")
    record = store.records("f", [2])[2]
    assert (record.delivery, record.begun_at, record.attempts, record.deliveries) == (1, 0.0, 0, 0)
    assert list(store.task_limits.give_back(place(1), NOW + 50)) == [place(2, 1)]
    assert store.timers("f") == {"n2": NOW + 50}
    assert store.timers("g") == {"n3": NOW + 602}
    assert [due.flow_id for due in store.claim_due_runs(NOW + 53, 10, 1e6, 1e6, 1e6) if due.reason == "timer"] == [
        "f"
    ]
    assert store.task_limits.holds("api", holder_of("f", 2))


def test_only_the_attempt_that_took_a_place_last_gives_it_back(store: Store) -> None:
    assert claim(store, 1)
    assert store.task_limits.claim(place(1, 9), 1, NOW + 9).holds, "the message came again"
    assert not claim(store, 2, 10)
    assert list(store.task_limits.give_back(place(1), NOW + 11)) == []
    assert store.task_limits.holds("api", holder_of("f", 1))
    assert numbers(store.task_limits.give_back(place(1, 9), NOW + 12)) == [2]
    assert list(store.task_limits.give_back(place(1, 9), NOW + 13)) == []
    assert list(store.task_limits.give_back(place(2, 10), NOW + 13)) == []
    assert store.task_limits.state("api") == LimitState(0, [], [])


def test_what_waits_keeps_its_age_and_a_larger_limit_lets_it_in(store: Store) -> None:
    claim(store, 1), claim(store, 2, 1)
    assert not store.task_limits.claim(place(2, 30), 1, NOW + 30).holds
    assert store.task_limits.state("api").waiting[0].at == NOW + 1
    placed = store.task_limits.claim(place(3, 40), 3, NOW + 40)
    assert (placed.holds, numbers(placed.granted)) == (True, [2])
    assert store.task_limits.state("api").max == 3


def test_a_node_run_has_one_place(store: Store) -> None:
    claim(store, 1), claim(store, 2, 1)
    placed = store.task_limits.claim(place(1, 5, key="other"), 1, NOW + 5)
    assert (placed.holds, numbers(placed.granted)) == (True, [2])
    assert numbers(store.task_limits.state("api").holders) == [2]


def test_what_does_not_run_any_more_is_passed_over(store: Store) -> None:
    claim(store, 1), claim(store, 2, 1), claim(store, 3, 2, run="g"), claim(store, 4, 3), claim(store, 5, 4)
    gone = place(1, 1, run="gone")
    assert not store.task_limits.claim(gone, 1, NOW + 1).holds
    store.append_event("f", 2, "[]", NOW + 20)  # it ended in another way
    cancelled = Commit("g", 1, NOW + 20, batch="b", fields={"status": "cancelled"}, ttl=60)
    assert store.commit(cancelled._replace(token=_leased(store, "g"))).ok
    assert list(store.task_limits.give_back(place(1), NOW + 21)) == [place(4, 3)]
    state = store.task_limits.state("api")
    assert (numbers(state.holders), numbers(state.waiting)) == ([4], [5])
    assert store.task_limits.waiting_by_name() == {"Call": 1}


def test_what_is_paused_leaves_the_list_and_its_message_is_due_when_the_run_goes_on(store: Store) -> None:
    claim(store, 1, run="g"), claim(store, 2, 1)
    assert store.pause("f", 1, 4, None, NOW + 2) == "paused"
    assert list(store.task_limits.give_back(place(1, run="g"), NOW + 9)) == []
    assert store.task_limits.state("api") == LimitState(0, [], [])
    assert store.timers("f") == {"n2": NOW + 9}
    assert store.header("f") is not None
    assert int((store.header("f") or {})["inbox_threshold"]) >= OUT_OF_REACH


def test_all_places_are_looked_at_in_turn(store: Store) -> None:
    for number in range(1, 7):
        claim(store, number, number, max=2)
    seen = set()
    for _ in range(8):
        seen |= {(read_holder(found.run)[1], held) for found, held in store.task_limits.some(2)}
    assert seen == {(1, True), (2, True), *((number, False) for number in range(3, 7))}


def _leased(store: Store, run: str) -> int:
    opened = store.acquire_lease(run, 0, 5.0, NOW + 20)
    assert opened is not None
    return opened.token


@pytest.mark.parametrize(
    ("held", "status", "paused", "done", "begun", "stalled", "left"),
    [
        (True, "running", False, False, True, False, False),
        (True, "running", False, False, True, True, False),  # a message takes it over
        (True, "running", False, False, False, False, False),  # its message is on its way
        (True, "running", False, True, True, False, True),
        (True, "running", True, False, False, False, True),
        (True, "running", True, False, True, False, False),
        (True, "running", True, False, True, True, True),
        (True, "failure", False, False, True, False, False),  # it runs to its end
        (True, "cancelled", False, False, True, True, True),
        (True, "failure", False, False, False, False, True),
        (False, "running", False, False, False, False, False),
        (False, "running", True, False, False, False, False),
        (False, "failure", False, False, False, False, False),  # what was started runs
        (False, "cancelled", False, False, False, False, True),
        (False, "running", False, True, False, False, True),
    ],
)
def test_which_places_are_left(
    held: bool, status: str, paused: bool, done: bool, begun: bool, stalled: bool, left: bool
) -> None:
    assert is_left(held, status, paused, done, begun, stalled) == left
