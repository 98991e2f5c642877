"""A channel on Redis keeps its client, and makes another one when its connections were given up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from kombu import Connection

from selinon_core.celery import Selinon
from selinon_core.celery.transport.redis_clients import keep_client
from tests import services
from tests.celery.changed_flows import CHAIN, NODES, plan_of
from tests.conftest import need

redis_only = pytest.mark.service("redis")


@pytest.fixture
def channel() -> Iterator[Any]:
    with Connection(need("redis")) as connection:
        made = connection.channel()
        keep_client(made)
        keep_client(made)  # each use of a pooled channel asks for it
        yield made


def _client(channel: Any) -> Any:
    with channel.conn_or_acquire() as client:
        assert client.ping()
        return client


@redis_only
def test_commands_share_a_client(channel: Any) -> None:
    assert _client(channel) is _client(channel)
    assert _client(channel).connection_pool is channel.pool
    assert channel.client is not _client(channel)  # it waits for messages on a connection of its own


@redis_only
def test_new_connections_have_a_new_client(channel: Any) -> None:
    before = _client(channel)
    channel._disconnect_pools()  # what kombu does in a forked process, and when it connects again
    assert _client(channel) is not before
    assert _client(channel).connection_pool is channel.pool


def test_other_transports_stay_as_they_are() -> None:
    with Connection("memory://") as connection:
        channel: Any = connection.channel()
        before = dict(vars(channel))
        keep_client(channel)
        assert vars(channel) == before


@redis_only
def test_starts_make_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    name = services.private_name()
    app = Celery(name, broker=need("redis"), set_as_current=False)
    app.conf.update(task_default_queue=name, broker_transport_options={"global_keyprefix": name + ":"})
    selinon = Selinon(app, plan=plan_of(NODES, CHAIN))
    selinon.run_flow("f")
    made: list[Any] = []
    import redis

    create = redis.Redis.__init__

    def counted(client: Any, *args: Any, **options: Any) -> None:
        if options.get("connection_pool") is not None:
            made.append(client)
        create(client, *args, **options)

    monkeypatch.setattr(redis.Redis, "__init__", counted)
    for _ in range(5):
        selinon.run_flow("f")
    assert made == []
    client: Any = redis.Redis.from_url(need("redis"))
    assert client.llen(f"{name}:{name}") == 6
    for key in client.scan_iter(name + "*", 1000):
        client.delete(key)
    client.close()
    app.close()
