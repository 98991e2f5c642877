"""A connection is opened once per process, by whichever thread comes first."""

from __future__ import annotations

import gc
import os
import threading
import weakref

import pytest

from selinon_core.storages.connection import PerProcess


class Opened:
    def __init__(self) -> None:
        self.count = 0
        self.closed: list[int] = []
        self.fail = False

    def open(self) -> int:
        if self.fail:
            raise OSError("away")
        self.count += 1
        return self.count


def test_opened_once_by_many_threads() -> None:
    opened = Opened()
    connection = PerProcess(opened.open, opened.closed.append)
    barrier = threading.Barrier(8)
    got: list[int] = []

    def work() -> None:
        barrier.wait()
        got.append(connection.get())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [1] * 8


def test_closed_and_opened_again() -> None:
    opened = Opened()
    connection = PerProcess(opened.open, opened.closed.append)
    connection.close()
    assert not connection.is_open
    assert connection.get() == 1
    assert connection.is_open
    connection.close()
    connection.close()
    assert opened.closed == [1]
    assert connection.get() == 2


def test_a_failure_is_not_remembered() -> None:
    opened = Opened()
    connection = PerProcess(opened.open, opened.closed.append)
    opened.fail = True
    with pytest.raises(OSError, match="away"):
        connection.get()
    assert not connection.is_open
    opened.fail = False
    assert connection.get() == 1


def test_what_a_parent_opened_is_neither_used_nor_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Opened()
    connection = PerProcess(opened.open, opened.closed.append)
    assert connection.get() == 1
    parent = os.getpid()
    monkeypatch.setattr("os.getpid", lambda: parent + 1)
    assert not connection.is_open
    connection.close()
    assert opened.closed == []
    assert connection.get() == 2
    connection.close()
    assert opened.closed == [2]


class Connection:
    pass


@pytest.mark.parametrize("inherited", [True, False])
def test_what_a_parent_opened_outlives_its_storage(inherited: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = PerProcess(Connection, lambda opened: None)
    opened = weakref.ref(connection.get())
    parent = os.getpid()
    if inherited:
        monkeypatch.setattr("os.getpid", lambda: parent + 1)
    del connection
    gc.collect()
    assert (opened() is not None) is inherited
