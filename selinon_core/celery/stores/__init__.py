"""Opens the state store of a URL: Redis, SQL or memory."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from selinon_core.celery.stores.protocol import Store
from selinon_core.errors import ConfigurationError, MissingExtraError

_REDIS = ("redis", "rediss", "redis+socket", "socket", "unix", "valkey", "sentinel")
_SQL = ("db+", "postgresql", "mysql", "mariadb", "sqlite")


def open_store(url: str, prefix: str | None = None, options: Mapping[str, Any] | None = None) -> Store:
    """The state store at a URL (``redis://``, ``postgresql+psycopg://``, ``db+sqlite://``), not connected.

    ``prefix`` begins the names of its keys or tables, ``options`` are keywords of redis-py's client or of
    SQLAlchemy's ``create_engine``. Raises ``ConfigurationError`` for a URL that cannot serve,
    ``MissingExtraError`` for a missing driver.
    """
    scheme = url.partition("://")[0]
    if scheme in _REDIS:
        from selinon_core.celery.stores.redis.store import RedisStore

        return RedisStore(url, "selinon:" if prefix is None else prefix, options)
    if url.startswith(_SQL):
        try:
            from selinon_core.celery.stores.sql.store import SqlStore
        except ModuleNotFoundError as error:
            raise MissingExtraError("a state store in a SQL database needs: pip install 'selinon[sql]'") from error
        if scheme.removeprefix("db+") == "postgresql+psycopg" and find_spec("psycopg") is not None:
            from selinon_core.celery.stores.sql.postgres import PostgresStore

            return PostgresStore(url, "selinon_" if prefix is None else prefix, options)
        return SqlStore(url, "selinon_" if prefix is None else prefix, options)
    if scheme == "memory":
        from selinon_core.celery.stores.memory import MemoryStore

        return MemoryStore()
    raise ConfigurationError(
        f'flow runs cannot be kept in "{scheme}": set selinon_state_url in the Celery configuration to a Redis '
        "or SQL database (redis://..., postgresql+psycopg://..., mysql+pymysql://..., sqlite:///...)"
    )


__all__ = ["Store", "open_store"]
