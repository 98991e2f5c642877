"""Errors of the broker, printed as such and not as bugs of selinon."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from selinon_cli.exits import EXIT_FINDINGS, CommandExit, UsageError
from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from celery import Celery


def check_broker(app: Celery) -> Any:
    """A connection to the broker, not made yet; raises ``UsageError`` for a URL that nothing can be done with."""
    try:
        connection: Any = app.connection_for_write()
        connection.get_transport_cls()
        _check_redis(connection)
    except (KeyError, ImportError, ValueError) as error:
        hint = "correct broker_url; that of Redis is redis://HOST:PORT/DATABASE, that of RabbitMQ amqp://USER:PASSWORD@HOST//"
        raise UsageError(f"{_broker(app)} cannot be used: {error.args[0]}", hint) from None
    return connection


def _check_redis(connection: Any) -> None:
    """Raise ``ValueError`` for what kombu finds only when it connects, where a worker dies of it."""
    if connection.transport_cls not in ("redis", "rediss", "sentinel"):
        return
    if connection.transport_cls == "sentinel" and not connection.transport_options.get("master_name"):
        raise ValueError(
            'Redis Sentinel needs the name of its master: broker_transport_options = {"master_name": ...}'
        )
    database = str(connection.virtual_host or "").strip("/")
    if database and not database.isdecimal():
        raise ValueError(f'its database has to be a number, not "{database}"')


@contextmanager
def asking_broker(terminal: Terminal, app: Celery) -> Iterator[None]:
    """Send something; print why when the broker is away or refuses the connection."""
    from kombu.exceptions import OperationalError

    connection = check_broker(app)
    try:
        yield
    except (OperationalError, *connection.connection_errors, *connection.channel_errors) as error:
        terminal.error(f"{_broker(app)}: {error}", "see broker_url, the server, and the network between")
        raise CommandExit(EXIT_FINDINGS) from None


def _broker(app: Celery) -> str:
    from kombu.utils.url import maybe_sanitize_url

    url = app.conf.broker_write_url or app.conf.broker_url
    try:
        return f"the broker {maybe_sanitize_url(url)}"
    except ValueError:  # it cannot be taken apart
        return f"the broker {re.sub(r'//.*@', '//**@', str(url))}"
