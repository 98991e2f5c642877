"""All stores do what the memory store does: random steps on both have equal answers.

Redis has the rules in Lua, PostgreSQL in functions of its own, SQLite in Python, as PostgreSQL
where these functions cannot be made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selinon_core.celery.stores import Store
from selinon_core.celery.stores.limits import LimitPlace, holder_of
from selinon_core.celery.stores.memory import MemoryStore
from selinon_core.celery.stores.protocol import Commit, Committed
from tests.celery.stores import OTHERS, fresh_store, wipe
from tests.example_counts import examples

NOW = 1_800_000_000.0
HEADER = {"flow": "main", "queue": "q", "status": "running", "inbox_threshold": "2", "idle_check_after": "5"}

numbers = st.integers(1, 3)
deliveries = st.integers(0, 2)
#: Node runs: of the flow run, of another one, and of one that is not there.
places = st.sampled_from([("F", 1), ("F", 2), ("F", 3), ("E", 1), ("H", 1)])
keys = st.sampled_from(["t1", "t2", "f3", "o2", "r"])
timers = st.dictionaries(
    st.sampled_from(["n1", "s3", "q4", "deadline", "retry"]), st.sampled_from([1.0, 15.0, 90.0]), max_size=2
)

#: Each step is a name and what it needs; the seconds before it are its first value.
steps = st.one_of(
    st.tuples(st.just("claim"), st.integers(0, 3), deliveries, st.booleans()),
    st.tuples(st.just("retry"), numbers, deliveries, st.booleans(), st.sampled_from([0.0, 20.0]), st.booleans()),
    st.tuples(st.just("claim_place"), places, st.sampled_from(["k", "l"]), st.integers(0, 2), st.integers(0, 1)),
    st.tuples(st.just("give_back_place"), places, st.booleans()),
    st.tuples(st.just("event"), st.integers(0, 3), st.integers(-1, 2), st.booleans(), st.sampled_from([0.0, 5.0])),
    st.tuples(st.just("claims"), st.dictionaries(numbers, deliveries, min_size=1)),
    st.tuples(st.just("successes"), st.lists(numbers, min_size=1, unique=True), st.sampled_from([0.0, 5.0])),
    st.tuples(st.just("release"), numbers, deliveries, st.integers(1, 2)),
    st.tuples(st.just("lease")),
    st.tuples(st.just("renew")),
    st.tuples(st.just("next_delivery"), numbers),
    st.tuples(st.just("heartbeat"), numbers),
    st.tuples(st.just("sweep")),
    st.tuples(st.just("pause"), st.sampled_from([1, 1, 3])),
    st.tuples(
        st.just("commit"),
        st.booleans(),  # with the token
        st.booleans(),  # with a batch
        st.booleans(),  # keep
        st.lists(keys, max_size=2),
        st.lists(keys, max_size=2),
        timers,
        st.booleans(),  # clear the timers
        st.sampled_from([None, (1, 0), (1, 2)]),
        st.sampled_from([(), (("t1", "Slow", 10.0),), (("f3", "Slow", 10.0), ("t2", "Other", 3.0))]),
        st.integers(0, 3),
        st.sampled_from([None, "running", "success", "cancelled"]),
        st.booleans(),  # a pause is over
    ),
)
sequences = st.lists(st.tuples(st.sampled_from([0.0, 0.5, 3.0, 30.0, 200.0]), steps), min_size=4, max_size=25)


@pytest.fixture(scope="module", params=OTHERS)
def other(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path_factory.mktemp("store")) as store:
        yield store


class Player:
    """Plays steps on one store and notes its answers; tokens and versions are those that this store gave."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.token: int | None = None
        self.version = 1
        self.waiting = 0
        self.now = NOW

    def play(self, pause: float, step: tuple[Any, ...]) -> Any:
        self.now += pause
        name, *values = step
        return getattr(self, name)(*values)

    def claim(self, number: int, delivery: int, redelivered: bool) -> Any:
        return self.store.claim_delivery("F", number, delivery, redelivered, self.now)

    def claims(self, numbers: dict[int, int]) -> Any:
        return list(self.store.claim_deliveries("F", numbers, self.now))

    def successes(self, numbers: list[int], lease: float) -> Any:
        found = self.store.append_successes("F", {n: f"[{n}]" for n in numbers}, self.now, lease=lease)
        return found.kind, self._opened(found.opened)

    def retry(self, number: int, delivery: int, counted: bool, countdown: float, attempted: bool) -> Any:
        return self.store.retry("F", number, delivery, counted, countdown, 10.0, self.now, attempted=attempted)

    def claim_place(self, node: tuple[str, int], key: str, most: int, priority: int) -> Any:
        place = LimitPlace(key, holder_of(*node), "A", "q", priority, self.now)
        holds, granted = self.store.task_limits.claim(place, most, self.now)
        return holds, list(granted)

    def give_back_place(self, node: tuple[str, int], is_old: bool) -> Any:
        holder = holder_of(*node)
        place, _ = self.store.task_limits.of([holder]).get(holder, (LimitPlace("k", holder, "A", "q"), False))
        return list(self.store.task_limits.give_back(place._replace(at=place.at - is_old), self.now))

    def event(self, number: int, delivery: int, urgent: bool, lease: float) -> Any:
        found = self.store.append_event(
            "F", number, f"[{number}]", self.now, delivery=delivery, urgent=urgent, lease=lease
        )
        return found.kind, self._opened(found.opened)

    def lease(self) -> Any:
        return self._opened(self.store.acquire_lease("F", 0, 5.0, self.now))

    def _opened(self, opened: Any) -> Any:
        if opened is None:
            return None
        self.token, self.version, self.waiting = opened.token, opened.version, len(opened.entries)
        return (
            opened.token,
            list(opened.batches),
            list(opened.entries),
            sorted(opened.outbox),
            sorted(opened.due),
            {**_plain(opened.header), "lease": None},  # the one before, or the new one
        )

    def renew(self) -> Any:
        return self.token is not None and self.store.renew_lease("F", self.token, self.now + 5)

    def release(self, number: int, delivery: int, deliveries: int) -> Any:
        return self.store.release_delivery("F", number, delivery, deliveries)

    def next_delivery(self, number: int) -> Any:
        return self.store.next_delivery("F", number)

    def heartbeat(self, number: int) -> Any:
        self.store.heartbeat("F", [number], self.now)

    def sweep(self) -> Any:
        return sorted(self.store.claim_due_runs(self.now, 10, 10.0, 60.0, 60.0))  # two may be due at once

    def _kept(self, step: Commit) -> Committed:
        """Every other commit is one of several."""
        if self.version % 2:
            return self.store.commit(step)
        other = Commit("G", 0, self.now, create=HEADER, batch="[]", fields={"note": str(self.now)})
        _, found, refused = self.store.commit_all([other, step, other._replace(flow_id="H", create=None)])
        assert isinstance(found, Committed)
        assert isinstance(refused, Committed)
        assert not refused.ok
        return found

    def commit(
        self,
        leased: bool,
        batch: bool,
        keep: bool,
        outbox: list[str],
        done: list[str],
        timers: dict[str, float],
        clear: bool,
        inlined: tuple[int, int] | None,
        throttled: tuple[Any, ...],
        completes: int,
        status: str | None,
        resumes: bool,
    ) -> Any:
        carrier, number = inlined or (None, 0)
        if completes == number:  # no step runs inline what it ends
            completes = 0
        starts = {*outbox, *(key for key, _, _ in throttled)}  # no message was sent of what the step starts
        found = self._kept(
            Commit(
                "F",
                self.version,
                self.now,
                token=self.token if leased else None,
                completes=completes,
                batch="[]" if batch else None,
                consumed=self.waiting if leased else 0,
                outbox=list(dict.fromkeys(outbox)),
                done=[key for key in done if key not in starts],
                carrier=carrier,
                inlined=number,
                timers={name: self.now + due for name, due in timers.items()},
                cancelled_timers=["q4"],
                clear_timers=clear,
                throttled=throttled,
                fields=self._fields(status, resumes) or None,
                keep=keep,
            )
        )
        if found.ok:
            self.version += batch
            self.waiting = len(found.entries)
        return Committed(found.ok, found.token, list(found.entries), [round(delay, 3) for delay in found.delays])

    @staticmethod
    def _fields(status: str | None, resumes: bool) -> dict[str, str]:
        fields = {} if status is None else {"status": status}
        return fields | {"inbox_threshold": "2"} if resumes else fields

    def pause(self, number: int) -> Any:
        return self.store.pause("F", number, 4, None, self.now)

    def state(self) -> Any:
        """Everything that can be read."""
        found = self.store.read("F")
        assert found is not None
        header, log, inbox = found
        return (
            _plain(header),
            header.get("paused"),
            self.store.next_due() and round(self.store.next_due() or 0, 3),
            list(log),
            list(inbox),
            self.store.records("F", [1, 2, 3]),
            {name: round(due, 3) for name, due in self.store.timers("F").items()},
            self.store.stalled_nodes("F", self.now),
            [self._places(key) for key in "kl"],
            sorted(self.store.task_limits.some(100)),
            self.store.task_limits.waiting_by_name(),
        )

    def _places(self, key: str) -> Any:
        most, holders, waiting = self.store.task_limits.state(key)
        return most, list(holders), list(waiting)


def _plain(header: Any) -> dict[str, Any]:
    names = ("flow", "status", "inbox_threshold")
    times = ("idle_check_after", "created", "updated", "lease")
    return {name: header[name] for name in names} | {name: round(float(header[name]), 3) for name in times}


@settings(
    max_examples=examples(15, 80), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sequence=sequences)
def test_all_stores_state_the_same_rules(other: Store, sequence: list[tuple[float, tuple[Any, ...]]]) -> None:
    wipe(other)
    players = [Player(MemoryStore()), Player(other)]
    for player in players:
        created = player.store.commit(Commit("F", 0, NOW, create=HEADER, batch='["S"]', outbox=["t1", "t2", "f3"]))
        assert created.ok
        assert player.store.commit(Commit("E", 0, NOW, create=HEADER, batch='["S"]', outbox=["t1"])).ok
    for pause, step in sequence:
        first, second = (player.play(pause, step) for player in players)
        assert first == second
        first, second = (player.state() for player in players)
        assert first == second
