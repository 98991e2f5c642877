"""Threads and greenlets come and go; the store's connections are handed on."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from tests.celery.stores import fresh_store

pytestmark = pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="needs Linux")
NOW = 1_800_000_000.0


@pytest.mark.service("redis")
def test_threads_that_ended_leave_no_connections_behind(tmp_path: Path) -> None:
    with fresh_store("redis", tmp_path) as store:
        failed: list[BaseException] = []

        def use() -> None:
            try:
                assert store.acquire_lease("F", 0, 1.0, NOW) is None
            except BaseException as error:
                failed.append(error)

        before = _connections(store)
        for _ in range(150):
            thread = threading.Thread(target=use)
            thread.start()
            thread.join()
        assert failed == []
        assert _connections(store) <= before + 1


@pytest.mark.service("redis")
def test_more_threads_at_once_than_a_pool_holds(tmp_path: Path) -> None:
    with fresh_store("redis", tmp_path) as store:
        failed: list[BaseException] = []
        ready = threading.Barrier(120)

        def use() -> None:
            try:
                ready.wait(30)
                assert store.acquire_lease("F", 0, 1.0, NOW) is None
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=use) for _ in range(120)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []


def _connections(store: Any) -> int:
    """How many connections this process has open to the server of the store."""
    import os

    import redis

    with redis.Redis.from_url(store._url) as client:
        client.ping()
        server = client.connection_pool.get_connection()
        assert server._sock is not None
        port = server._sock.getpeername()[1]
        client.connection_pool.release(server)
    inodes = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    count = 0
    for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        count += fields[9] in inodes and int(fields[2].rpartition(":")[2], 16) == port
    return count
