"""URLs and options of state stores, as Celery documents them for result backends."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery

from selinon_core.celery.settings import AdapterSettings, state_options
from selinon_core.celery.stores import open_store
from selinon_core.celery.stores.redis.config_warnings import dangers
from selinon_core.celery.stores.redis.connection import client_of
from selinon_core.celery.stores.sql.store import SqlStore
from selinon_core.errors import ConfigurationError


def connection(url: str, **options: Any) -> tuple[type[Any], dict[str, Any]]:
    pool = client_of(redis, url, options).connection_pool
    return pool.connection_class, pool.connection_kwargs


@pytest.mark.parametrize("word", ["CERT_REQUIRED", "required"])
def test_tls_words_of_celery_are_taken_from_urls(word: str) -> None:
    kind, options = connection(f"rediss://:secret@host:6380/2?ssl_cert_reqs={word}&ssl_ca_certs=%2Fca.pem")
    assert issubclass(kind, redis.SSLConnection)
    assert (options["ssl_cert_reqs"], options["ssl_ca_certs"], options["db"]) == ("required", "/ca.pem", 2)
    assert (options["password"], options["port"]) == ("secret", 6380)


@pytest.mark.parametrize(
    ("given", "expected"),
    [(ssl.CERT_NONE, "none"), (ssl.CERT_OPTIONAL, "optional"), ("CERT_REQUIRED", "required")],
)
def test_tls_options_make_a_tls_connection(given: Any, expected: str) -> None:
    kind, options = connection("redis://host:6380/0", ssl_cert_reqs=given)
    assert issubclass(kind, redis.SSLConnection)
    assert options["ssl_cert_reqs"] == expected


def test_unix_sockets_are_written_as_celery_writes_them() -> None:
    kind, options = connection("redis+socket:///run/redis.sock?virtual_host=3")
    assert issubclass(kind, redis.UnixDomainSocketConnection)
    assert (options["path"], options["db"]) == ("/run/redis.sock", 3)


def test_sentinel_is_asked_for_the_master() -> None:
    from redis.sentinel import SentinelConnectionPool

    url = "sentinel://:pw@one:26379/4;sentinel://two:26380"
    client = client_of(redis, url, {"master_name": "mymaster", "sentinel_kwargs": {"password": "other"}})
    pool = client.connection_pool
    assert isinstance(pool, SentinelConnectionPool)
    hosts = [s.connection_pool.connection_kwargs for s in pool.sentinel_manager.sentinels]
    assert [(kwargs["host"], kwargs["port"], kwargs["password"]) for kwargs in hosts] == [
        ("one", 26379, "other"),
        ("two", 26380, "other"),
    ]
    assert (pool.connection_kwargs["db"], pool.connection_kwargs["password"]) == (4, "pw")


@pytest.mark.parametrize(
    ("url", "options", "sentence"),
    [
        ("sentinel://one:26379", {}, "master_name"),
        ("redis://host/0", {"no_such_option": 1}, "no_such_option"),
        ("redis://host/jobs", {}, 'database.*"jobs"'),
        ("postgresql+psycopg://host:door/db", {}, "URL.*'door'"),
        ("postgresql+psycopg:/host/db", {}, "URL"),
        ("postgresql+pigeon://host/db", {}, "URL.*pigeon"),
        ("rediss://host/0?ssl_cert_reqs=SOMETIMES", {}, "SOMETIMES|Certificate"),
    ],
)
def test_what_cannot_be_used_is_a_configuration_error(url: str, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        open_store(url, options=options).prepare()


def options_of(**conf: Any) -> tuple[str | None, dict[str, Any]]:
    app = Celery("options", set_as_current=False)
    app.conf.update(conf)
    return state_options(AdapterSettings.of(app.conf), app.conf)


def test_options_of_the_result_backend_count_for_the_store_in_it() -> None:
    found = options_of(
        result_backend="rediss://host/0",
        redis_backend_use_ssl={"ssl_cert_reqs": ssl.CERT_REQUIRED},
        redis_socket_timeout=5.0,
        result_backend_transport_options={"global_keyprefix": "shop_", "master_name": "m"},
    )
    assert found == (
        "shop_selinon:",
        {"ssl_cert_reqs": ssl.CERT_REQUIRED, "socket_timeout": 5.0, "master_name": "m"},
    )
    assert options_of(result_backend="redis://host/0") == (None, {})
    engine = {"pool_size": 3}
    assert options_of(result_backend="db+sqlite:///x", database_engine_options=engine) == (None, engine)


def test_a_store_of_its_own_has_options_of_its_own() -> None:
    found = options_of(
        result_backend="redis://host/0",
        redis_socket_timeout=5.0,
        selinon_state_url="postgresql+psycopg://host/db",
        selinon_state_options={"connect_args": {"prepare_threshold": None}},
    )
    assert found == (None, {"connect_args": {"prepare_threshold": None}})


def test_options_have_to_be_a_mapping() -> None:
    with pytest.raises(ConfigurationError, match="selinon_state_options"):
        AdapterSettings.of({"selinon_state_options": "pool_size=3"})


def test_sql_options_reach_the_engine(tmp_path: Path) -> None:
    options = {"pool_size": 2, "max_overflow": 0, "connect_args": {"timeout": 7}}
    store = open_store(f"sqlite:///{tmp_path / 'state.db'}", options=options)
    assert isinstance(store, SqlStore)
    store.prepare()
    assert store.database.engine.pool.size() == 2  # type: ignore[attr-defined]
    store.close()


def test_statements_need_not_be_prepared(private_name: str) -> None:
    """Behind a pool that hands out connections by transaction a prepared statement is on another connection."""
    from tests.celery.stores import url_of
    from tests.conftest import need

    need("postgres")
    options = {"connect_args": {"prepare_threshold": None}}
    store = open_store(url_of("postgres", Path()), f"{private_name}_", options)
    assert isinstance(store, SqlStore)
    store.prepare()
    for _ in range(10):
        store.acquire_lease("F", 0, 5.0, 1.0)
        assert store.header("F") is None
    found = store.database.do(
        lambda connection: connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar()
    )
    assert found == 0
    store.clear()
    store.close()


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"maxmemory_policy": "noeviction", "aof_enabled": 1, "cluster_enabled": 0}, []),
        ({}, []),
        ({"maxmemory_policy": "allkeys-lru"}, ["noeviction"]),
        ({"aof_enabled": 0}, ["appendonly"]),
        ({"cluster_enabled": 1}, ["cluster"]),
    ],
)
def test_settings_of_a_server_that_lose_runs_are_reported(found: dict[str, Any], words: list[str]) -> None:
    texts = dangers(found)
    assert len(texts) == len(words)
    assert all(word in text for word, text in zip(words, texts, strict=True))


def test_a_run_that_is_gone_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    from selinon_core.simulating.world import World
    from tests.celery.counted_tasks import plan_of

    world = World(
        plan_of("      - {from: , to: [A, B]}\n"), workers=1, selinon_inline_count=0, selinon_batch_count=1
    )
    id = world.start("main")
    world.deliver(*world.broker.take(False))
    world.store.clear()
    with caplog.at_level(logging.WARNING, "selinon"):
        while world.broker.queue:
            world.deliver(*world.broker.take(False))
    assert [record.message for record in caplog.records] == [
        f"the state store does not know flow run '{id}': it was expired, deleted or lost"
    ]
