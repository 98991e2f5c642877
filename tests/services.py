"""Real servers for tests: where they are, and what happens when they are not there.

``SELINON_TEST_REDIS_URL``, ``SELINON_TEST_AMQP_URL`` and ``SELINON_TEST_POSTGRES_URL`` default to the usual
ports of this machine; ``SELINON_TEST_MYSQL_URL`` and ``SELINON_TEST_MONGODB_URL`` have no default. A test whose
server does not answer, or does not let it in, is skipped with the reason, or fails with
``SELINON_REQUIRE_SERVICES=1``. Tests keep to names of their own (``private_name``) and remove them afterwards.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit


class Service(NamedTuple):
    """A server by the environment variable that holds its URL."""

    name: str
    variable: str
    default_url: str | None
    default_port: int

    @property
    def url(self) -> str | None:
        """Its URL, None when none is set and there is no usual one."""
        return os.environ.get(self.variable) or self.default_url


SERVICES = {
    service.name: service
    for service in (
        Service("redis", "SELINON_TEST_REDIS_URL", "redis://127.0.0.1:6379/0", 6379),
        Service("amqp", "SELINON_TEST_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672//", 5672),
        Service(
            "postgres", "SELINON_TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/test", 5432
        ),
        Service("mysql", "SELINON_TEST_MYSQL_URL", None, 3306),
        Service("mongodb", "SELINON_TEST_MONGODB_URL", None, 27017),
    )
}


def required() -> bool:
    """Return whether a missing server is an error."""
    return os.environ.get("SELINON_REQUIRE_SERVICES", "") not in ("", "0")


def why_unreachable(service: Service) -> str | None:
    """Return why a service cannot be used, None when it can: it answers, and lets the tests in."""
    if service.url is None:
        return f"{service.variable} is not set"
    nothing = _why_closed(service)
    if nothing is not None:
        return nothing
    try:
        _LOGINS[service.name](service.url)
    except ImportError as error:
        return f"the driver is not installed ({error})"
    except (
        Exception
    ) as error:  # whatever the driver raises for a wrong password, a missing database, another server
        return f"no login at {_without_password(service.url)} ({brief(error)}); set {service.variable}"
    return None


def brief(error: Exception) -> str:
    """The first line of what a driver says."""
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return url.replace(f":{parts.password}@", ":***@") if parts.password else url


def _login_redis(url: str) -> None:
    import redis

    with redis.Redis.from_url(url, socket_timeout=5) as client:
        client.ping()


def _login_amqp(url: str) -> None:
    import kombu

    with kombu.Connection(url, connect_timeout=5) as connection:
        connection.connect()


def _login_sql(url: str) -> None:
    import sqlalchemy

    engine = sqlalchemy.create_engine(url)
    try:
        engine.connect().close()
    finally:
        engine.dispose()


def _login_mongodb(url: str) -> None:
    import pymongo

    client: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(url, serverSelectionTimeoutMS=5000)
    try:
        client.admin.command("ping")
    finally:
        client.close()


_LOGINS: dict[str, Callable[[str], None]] = {
    "redis": _login_redis,
    "amqp": _login_amqp,
    "postgres": _login_sql,
    "mysql": _login_sql,
    "mongodb": _login_mongodb,
}


def _why_closed(service: Service) -> str | None:
    assert service.url is not None
    url = urlsplit(service.url)
    if url.scheme == "unix" or url.scheme.endswith("+socket"):
        return None if os.path.exists(url.path) else f"no socket {url.path}"
    address = (url.hostname or "127.0.0.1", url.port or service.default_port)
    try:
        socket.create_connection(address, timeout=2).close()
    except OSError as exc:
        return f"nothing at {address[0]}:{address[1]} ({exc}); set {service.variable}"
    return None


def private_name() -> str:
    """Return a name of this test's own: for prefixes, tables and databases."""
    return f"selinon_test_{uuid.uuid4().hex[:16]}"
