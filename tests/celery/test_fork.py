"""Nothing that is connected before a fork is used behind it: servers see a connection of each process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.celery.stores import fresh_store

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def _in_child(action: Callable[[], str]) -> str:
    """What ``action`` returns in a forked process."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writer, action().encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as text:
        told = text.read()
    os.waitpid(pid, 0)
    return told


def _connection_of(store: Any, kind: str) -> str:
    """What the server calls the connection that the store uses in this process."""
    if kind == "redis":
        return str(store._connected().client_id())
    import sqlalchemy as sa

    return str(
        store.database.do(lambda connection: connection.execute(sa.text("SELECT pg_backend_pid()")).scalar())
    )


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("redis", marks=pytest.mark.service("redis")),
        pytest.param("postgres", marks=pytest.mark.service("postgres")),
    ],
)
def test_a_store_connects_anew_behind_a_fork(kind: str, tmp_path: Path) -> None:
    with fresh_store(kind, tmp_path) as store:
        mine = _connection_of(store, kind)
        theirs = [_in_child(lambda: _connection_of(store, kind)) for _ in range(2)]
        assert mine not in theirs
        assert len(set(theirs)) == 2
        # The child's end did not take the parent's connection with it.
        assert _connection_of(store, kind) == mine
        assert store.runs(1) == []
        assert store.acquire_leadership("somebody", time.time() + 1, time.time())


@pytest.mark.service("redis")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_pool_process_sends_on_a_connection_of_its_own(redis_url: str) -> None:
    """Processes of a pool are made by billiard, which notifies Celery of the fork."""
    import billiard
    from celery import Celery

    app = Celery("forked", broker=redis_url, set_as_current=False)

    def connection() -> str:
        with app.producer_pool.acquire(block=True) as producer:
            return str(producer.channel.client.client_id())

    mine = connection()
    reader, writer = os.pipe()
    child = billiard.Process(target=lambda: os.write(writer, connection().encode()))
    child.start()
    os.close(writer)
    with os.fdopen(reader) as text:
        theirs = text.read()
    child.join()
    assert theirs not in ("", mine)
    app.close()
