"""Two leaders that look at schedules at the same moment, on real stores: each due time is started exactly once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selinon_core.celery.stores import Store
from selinon_core.celery.worker.scheduler import Scheduler, start_key
from selinon_core.simulating.world import World
from tests.celery.counted_tasks import plan_of
from tests.celery.stores import OTHERS, fresh_store

BEGIN = 1_800_000_000.0
DUE = 12


@pytest.fixture(params=OTHERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as made:
        yield made


class Starts:
    """Notes the keys of starts; two of one key are one flow run."""

    def __init__(self, keys: list[str]) -> None:
        self._keys = keys

    def run_flow(self, flow: str, node_args: Any, *, key: str, lane: str | None, timeout: float | None) -> str:
        self._keys.append(key)
        return key

    def cancel(self, id: str, flow: str | None, *, timeout: float | None) -> None:
        raise AssertionError("nothing is cancelled")


def test_each_due_time_is_started_exactly_once_by_two_leaders_with_clocks_apart(store: Store) -> None:
    schedule = '{name: s, flow: main, cron: "* * * * *", overlap: allow, catch_up: all}'
    plan = plan_of(f"      - {{from: , to: A}}\nglobal:\n  schedules:\n    - {schedule}\n")
    world = World(plan, workers=2, store=store)
    keys: list[str] = []
    fired: list[str] = []
    for worker in world.workers:
        worker.tracer.add(
            lambda event, details: fired.append(details["due"]) if event == "SCHEDULE_FIRED" else None
        )
    schedulers = [Scheduler(worker, Starts(keys)) for worker in world.workers]
    together = threading.Barrier(len(schedulers))
    errors: list[BaseException] = []

    def lead(scheduler: Scheduler, offset: float) -> None:
        try:
            for minute in range(DUE + 1):
                for second in (0.0, 3.0, 6.0):  # one that was second looks again
                    together.wait(60)
                    scheduler.look_again()
                    scheduler.run_once(BEGIN + 60 * minute + second + offset)
        except BaseException as error:
            errors.append(error)
            together.abort()

    threads = [
        threading.Thread(target=lead, args=(scheduler, offset))
        for scheduler, offset in zip(schedulers, (0.0, 2.0), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    wanted = [start_key("s", BEGIN + 60 * minute) for minute in range(1, DUE + 1)]
    assert sorted(set(keys)) == wanted  # sent twice is started once: the key names the run
    assert sorted(fired) == [key.split()[-1] for key in wanted]
    assert max(Counter(fired).values()) == 1
