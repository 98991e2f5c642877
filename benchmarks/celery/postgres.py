"""A PostgreSQL database for the time of a benchmark, on a server that runs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SERVER = "postgresql://postgres@127.0.0.1:5432/postgres"


@contextmanager
def database(server: str) -> Iterator[str]:
    """A new database; gives its URL. Raises ``RuntimeError`` when the server cannot be used."""
    name = f"selinon_bench_{uuid.uuid4().hex[:8]}"
    with _connected(server) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        yield f"{server.rpartition('/')[0]}/{name}"
    finally:
        with _connected(server) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def _connected(server: str) -> Iterator[Any]:
    try:
        import psycopg

        connection = psycopg.connect(server, autocommit=True, connect_timeout=10)
    except Exception as error:
        raise RuntimeError(f"no database on PostgreSQL at {server}: {error}") from None
    with connection:
        yield connection
