"""The state stores to test, each with a name of its own on its server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from selinon_core.celery.stores import Store, open_store
from selinon_core.celery.stores.sql.store import SqlStore
from tests import services

SERVERS = ("redis", "postgres", "mysql")
#: PostgreSQL twice: with functions in the server, and as where these cannot be made.
STATEMENTS = "postgres-statements"
KINDS = ["memory", "sqlite", *SERVERS, STATEMENTS]


def server_of(kind: str) -> str:
    """Which server a store of that kind is on."""
    return kind.partition("-")[0]


#: The kinds as parameters of a test or fixture, with marks for the servers.
MARKED_KINDS = [
    pytest.param(kind, marks=pytest.mark.service(server_of(kind))) if server_of(kind) in SERVERS else kind
    for kind in KINDS
]


#: As parameters: what is compared with the memory store.
OTHERS = MARKED_KINDS[1:]


def url_of(kind: str, directory: Path) -> str:
    """The URL of a store of that kind; files go to ``directory``."""
    if kind == "memory":
        return "memory://"
    if kind == "sqlite":
        return f"sqlite:///{directory / 'state.db'}"
    url = services.SERVICES[kind].url
    assert url is not None
    return url


@contextmanager
def fresh_store(kind: str, directory: Path) -> Iterator[Store]:
    """An empty store; everything it wrote is removed afterwards. Skips the test without its server (``need``)."""
    if server_of(kind) in SERVERS:
        from tests.conftest import need

        need(server_of(kind))
    name = services.private_name()
    if kind == STATEMENTS:
        store: Store = SqlStore(url_of(server_of(kind), directory), f"{name}_")
    else:
        store = open_store(url_of(kind, directory), f"{name}:" if kind == "redis" else f"{name}_")
    store.prepare()
    try:
        yield store
    finally:
        store.clear()
        store.close()


def wipe(store: Store) -> None:
    """Remove all rows, and keep the tables."""
    if isinstance(store, SqlStore):
        tables = store.tables.metadata.sorted_tables
        store.database.do(lambda connection: [connection.execute(table.delete()) for table in tables])
    else:
        store.clear()
