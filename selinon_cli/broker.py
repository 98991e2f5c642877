"""Errors of the broker, printed as such and not as bugs of selinon."""

from __future__ import annotations

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
    except (KeyError, ImportError) as error:
        raise UsageError(f"{_broker(app)} cannot be used: {error.args[0]}") from None
    return connection


@contextmanager
def asking_broker(terminal: Terminal, app: Celery) -> Iterator[None]:
    """Send something; print why when the broker is away or refuses the connection."""
    from kombu.exceptions import OperationalError

    connection = check_broker(app)
    try:
        yield
    except (OperationalError, *connection.connection_errors, *connection.channel_errors) as error:
        terminal.error(f"{_broker(app)}: {error}")
        raise CommandExit(EXIT_FINDINGS) from None


def _broker(app: Celery) -> str:
    from kombu.utils.url import maybe_sanitize_url

    return f"the broker {maybe_sanitize_url(app.conf.broker_write_url or app.conf.broker_url)}"
