"""Flows go by the clock of the state store, whatever the clocks of workers say."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from selinon_core.celery.stores import Store
from selinon_core.celery.stores.clock import ASK_AGAIN, ASK_EVERY, StoreClock
from selinon_core.errors import StateStoreError
from selinon_core.simulating.world import World
from tests.celery.counted_tasks import CALLS, plan_of
from tests.celery.stores import SERVERS, fresh_store

WRONG = [5.0, -5.0, 10.0, 3600.0, -3600.0]


class Times:
    """A store's clock and those of a machine."""

    def __init__(self, ahead: float = 0.0) -> None:
        self.now = 1_800_000_000.0
        self.ahead = ahead
        self.asked = 0
        self.away = False

    def ask(self) -> float:
        self.asked += 1
        if self.away:
            raise StateStoreError("away")
        return self.now

    def clock(self) -> StoreClock:
        return StoreClock(self.ask, lambda: self.now + self.ahead, lambda: self.now - 1_799_000_000.0)


@pytest.mark.parametrize("ahead", WRONG)
def test_a_wrong_clock_is_corrected_and_reported_once(ahead: float, caplog: pytest.LogCaptureFixture) -> None:
    times = Times(ahead)
    clock = times.clock()
    with caplog.at_level(logging.WARNING, "selinon"):
        for _ in range(100):
            assert clock() == pytest.approx(times.now)
            times.now += 10
    assert times.asked == pytest.approx(1000 / ASK_EVERY, abs=2)
    assert len(caplog.records) == 1
    assert ("ahead of" if ahead > 0 else "behind") in caplog.text
    assert f"{abs(ahead):.1f} s" in caplog.text
    assert "Redis as a broker" in caplog.text  # what the store's clock does not help against ...
    assert "(NTP)" in caplog.text  # ... and what does


def test_clocks_less_than_a_second_apart_are_fine(caplog: pytest.LogCaptureFixture) -> None:
    times = Times(0.9)
    with caplog.at_level(logging.WARNING, "selinon"):
        assert times.clock()() == pytest.approx(times.now)
    assert caplog.records == []


def test_a_clock_that_is_set_while_the_worker_runs_does_no_harm() -> None:
    times = Times()
    clock = times.clock()
    clock()
    times.now += ASK_AGAIN
    times.ahead = 3600.0
    assert clock() == pytest.approx(times.now)
    assert times.asked == 2


def test_while_the_store_is_away_its_time_is_counted_on_and_it_is_not_asked_all_the_time() -> None:
    times = Times(3600.0)
    clock = times.clock()
    clock()
    times.now += ASK_EVERY
    times.away = True
    for _ in range(1000):
        assert clock() == pytest.approx(times.now)
        times.now += 0.01
    assert times.asked <= 1 + 10 / ASK_AGAIN + 1


@pytest.mark.parametrize("kind", ["sqlite", *(pytest.param(k, marks=pytest.mark.service(k)) for k in SERVERS)])
def test_stores_have_a_clock(kind: str, tmp_path: Path) -> None:
    from tests.conftest import need

    if kind in SERVERS:
        need(kind)
    with fresh_store(kind, tmp_path) as store:
        assert store.clock() == pytest.approx(time.time(), abs=60)


@pytest.fixture(params=WRONG)
def world(request: pytest.FixtureRequest) -> World:
    """Two workers, one of them with a wrong clock, and a task that is tried again after a second."""
    CALLS.clear()
    plan = plan_of("      - {from: , to: [A, Fail]}\n", task=", max_retry: 1, retry_countdown: 1")
    world = World(plan, workers=2, selinon_inline_count=0)
    for worker, ahead in enumerate((0.0, request.param)):
        clock = StoreClock(
            lambda: world.now, lambda ahead=ahead: world.now + ahead, lambda: world.now - 1_799_000_000.0
        )
        world.clocks[worker] = clock
        world.workers[worker] = world.new_worker(worker)
    return world


def test_with_a_wrong_clock_nothing_runs_twice_and_retries_come_in_time(world: World) -> None:
    began = world.now
    for _ in range(20):
        world.start("main")
    world.work()
    assert sorted(CALLS) == ["A"] * 20 + ["Fail"] * 40
    assert 1 <= world.now - began < 3


def test_leases_of_others_are_kept(store_pair: tuple[Store, StoreClock]) -> None:
    store, clock = store_pair
    from selinon_core.celery.stores.protocol import Commit

    header = {"flow": "main", "queue": "q", "status": "running"}
    assert store.commit(Commit("F", 0, store.clock(), create=header, batch="[]", keep=True, lease=30.0)).ok
    assert store.acquire_lease("F", 0, 5.0, clock()) is None
    store.close()


@pytest.fixture(params=["redis", "postgres"])
def store_pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, StoreClock]]:
    """A store, and its clock on a machine that is an hour ahead."""
    from tests.conftest import need

    need(request.param)
    with fresh_store(request.param, tmp_path) as store:
        inner = store.clock
        assert isinstance(inner, StoreClock)
        yield store, StoreClock(inner._ask, lambda: time.time() + 3600)
