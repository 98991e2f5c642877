"""What stores keep of schedules, on every state store."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from selinon_core.celery.stores import Store
from selinon_core.celery.stores.schedules import Pause, ScheduleRow, WaitingStart
from tests.celery.stores import MARKED_KINDS, fresh_store

NOW = 1_800_000_000.0


@pytest.fixture(params=MARKED_KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with fresh_store(request.param, tmp_path) as made:
        yield made


def test_rows_are_kept_as_they_were_given(store: Store) -> None:
    waiting = (WaitingStart(NOW - 60, "nightly"), WaitingStart(NOW + 0.25, "naïve"))
    row = ScheduleRow("a", "* * * * * UTC", NOW, waiting, NOW - 1, NOW, "nightly", "id", NOW + 0.5)
    small = ScheduleRow("A", "* * * * * UTC", NOW)
    assert store.schedules.rows() == []
    assert store.schedules.put(row)
    assert store.schedules.put(small)
    assert store.schedules.rows() == [small._replace(version=1), row._replace(version=1)]


def test_a_row_that_another_leader_has_changed_is_not_written(store: Store) -> None:
    row = ScheduleRow("a", "rule", NOW)
    assert store.schedules.put(row)
    assert not store.schedules.put(row)
    (read,) = store.schedules.rows()
    assert store.schedules.put(read._replace(decided=NOW + 60))
    assert not store.schedules.put(read._replace(decided=NOW + 120))
    assert store.schedules.rows() == [row._replace(decided=NOW + 60, version=2)]


def test_of_leaders_that_write_at_once_one_succeeds(store: Store) -> None:
    """For a row that is new, and for one that is there."""
    for version in (0, 1):
        written: list[bool] = []
        barrier = threading.Barrier(4)

        def lead(
            number: int,
            version: int = version,
            written: list[bool] = written,
            barrier: threading.Barrier = barrier,
        ) -> None:
            barrier.wait()
            written.append(store.schedules.put(ScheduleRow("a", "rule", NOW + number, version=version)))

        threads = [threading.Thread(target=lead, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(written) == [False, False, False, True]


def test_a_schedule_has_a_row_per_rule(store: Store) -> None:
    first, second = ScheduleRow("a", "0 0 * * * UTC", NOW), ScheduleRow("a", "0 1 * * * UTC", NOW + 1)
    assert store.schedules.put(second)
    assert store.schedules.put(first)
    assert store.schedules.rows() == [first._replace(version=1), second._replace(version=1)]


def test_rows_that_are_absent_for_long_are_forgotten(store: Store) -> None:
    store.schedules.put(ScheduleRow("old", "rule", NOW, absent=NOW - 10))
    store.schedules.put(ScheduleRow("new", "rule", NOW, absent=NOW))
    store.schedules.put(ScheduleRow("there", "rule", NOW - 100))
    store.schedules.forget(NOW - 5)
    assert [row.name for row in store.schedules.rows()] == ["new", "there"]


def test_pauses(store: Store) -> None:
    assert store.schedules.pauses() == {}
    store.schedules.set_pause("a", Pause(True, NOW, "Zoë"))
    store.schedules.set_pause("b", Pause(True, NOW + 1))
    store.schedules.set_pause("a", Pause(False, NOW + 2))
    assert store.schedules.pauses() == {"a": Pause(False, NOW + 2), "b": Pause(True, NOW + 1)}
