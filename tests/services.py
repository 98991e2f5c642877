"""Real servers for tests: where they are, and what happens when they are not there.

``SELINON_TEST_REDIS_URL``, ``SELINON_TEST_AMQP_URL`` and ``SELINON_TEST_POSTGRES_URL`` default to the usual
ports of this machine; ``SELINON_TEST_MYSQL_URL`` and ``SELINON_TEST_MONGODB_URL`` have no default. A test whose
server does not answer is skipped with the reason, or fails with ``SELINON_REQUIRE_SERVICES=1``. Tests keep to
names of their own (``private_name``) and remove them afterwards.
"""

from __future__ import annotations

import os
import socket
import uuid
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
    """Tell whether a missing server is an error."""
    return os.environ.get("SELINON_REQUIRE_SERVICES", "") not in ("", "0")


def why_unreachable(service: Service) -> str | None:
    """Return why a service cannot be used, None when it can: something listens at its address."""
    if service.url is None:
        return f"{service.variable} is not set"
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
    """Return a name that nobody else uses: for prefixes, tables and databases."""
    return f"selinon_test_{uuid.uuid4().hex[:16]}"
