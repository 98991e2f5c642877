"""Keeps a worker consuming when its Redis broker restarts, and when a queue holds something that is not a message.

Celery takes the loss of a connection for what it is, and connects again. Everything else that its main loop raises
ends the worker. kombu raises other errors in three cases, and here they become ``ConnectionResetError``, which is
harmless: Redis has the messages, and redelivers unacknowledged ones after the visibility timeout.

- A connection is gone whose channel still wants to give back what the worker holds (``AttributeError``).
- Redis answers with an error: a fail-over made it a replica, too few replicas take part, its disk or memory is
  full, a script holds it, or the rights of the user were changed.
- A list of messages holds something that is not a message: that is dropped, and logged.

The pauses are for the main loop of a real consumer, which Celery runs: they are given as seconds, and are real.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import Any

from celery import bootsteps

from selinon_core.celery.transport.celery_defaults import is_redis
from selinon_core.celery.transport.redis_clients import keep_client

_log = logging.getLogger("selinon")

#: Seconds before the worker connects again to a Redis that answers with errors.
PAUSE = 1.0
#: The first words of error replies that say that Redis cannot serve now, and redis-py's classes for some of them.
_UNAVAILABLE = (
    "READONLY",
    "UNBLOCKED",
    "NOREPLICAS",
    "MISCONF",
    "LOADING",
    "OOM",
    "CLUSTERDOWN",
    "MASTERDOWN",
    "TRYAGAIN",
    "BUSY",
    "NOPERM",
    "NOAUTH",
    "WRONGPASS",
    "EXECABORT",
)
_CLASSES = (
    "ReadOnlyError",
    "BusyLoadingError",
    "OutOfMemoryError",
    "ClusterDownError",
    "MasterDownError",
    "TryAgainError",
    "NoPermissionError",
    "ExecAbortError",
)


class LostConnectionStep(bootsteps.StartStopStep):
    """Makes the connection of a worker say what is the matter; each new connection again."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        if is_redis(consumer.app.conf.broker_url):
            take_start_errors_for_losses(consumer.blueprint)

    def start(self, consumer: Any) -> None:
        """The worker is connected."""
        if is_redis(consumer.app.conf.broker_url):
            channel = consumer.task_consumer.channel
            raise_connection_reset(channel)
            take_errors_for_losses(channel)
            drop_what_is_not_a_message(channel)
            keep_client(channel)


def raise_connection_reset(channel: Any) -> None:
    """Let a channel whose connection is gone raise ``ConnectionResetError``."""
    parameters = getattr(channel, "_connparams", None)
    if parameters is None:  # another kombu, which has no such fault as far as is known
        return

    def checked(*args: Any, **kwargs: Any) -> Any:
        if getattr(channel.connection, "client", None) is None:
            raise ConnectionResetError("the connection to the broker is gone")
        return parameters(*args, **kwargs)

    channel._connparams = checked


def take_errors_for_losses(channel: Any, pause: float = PAUSE) -> None:
    """Let the transport of a channel raise ``ConnectionResetError`` where Redis says that it cannot serve."""
    cycle = getattr(channel.connection, "cycle", None)
    losses = _Losses(pause)
    for owner, name in ((channel, "basic_ack"), (channel, "basic_reject")):
        losses.watch(owner, name, is_noticed=False)
    # The main loop has kept some functions since it was connected; these it looks up each time.
    for owner, name in ((cycle, "on_readable"), (cycle, "get"), (channel.qos, "can_consume")):
        losses.watch(owner, name, is_noticed=True)


def take_start_errors_for_losses(blueprint: Any, pause: float = PAUSE) -> None:
    """Let a consumer that connects to a Redis that cannot serve raise ``ConnectionResetError``, and so try again.

    While it connects, kombu writes (it restores messages and binds queues) before a channel can be watched.
    """
    start: Callable[..., Any] = blueprint.start

    def checked(*args: Any, **kwargs: Any) -> Any:
        try:
            return start(*args, **kwargs)
        except Exception as error:
            if not is_unavailable(error):
                raise
            time.sleep(pause)
            raise ConnectionResetError(f"Redis cannot serve: {error}") from error

    blueprint.start = checked


class _Losses:
    """The losses of one connection. Celery logs that it cannot acknowledge a message, and goes on: the message
    would count as held for ever. So the main loop hears of that loss at its next step."""

    def __init__(self, pause: float) -> None:
        self._pause = pause
        self._unnoticed: str | None = None

    def watch(self, owner: Any, name: str, is_noticed: bool) -> None:
        """Replace a function; ``is_noticed``: the loss of the connection is handled where it is called."""
        function: Callable[..., Any] | None = getattr(owner, name, None)
        if function is None:  # another kombu
            return

        def checked(*args: Any, **kwargs: Any) -> Any:
            if is_noticed and self._unnoticed is not None:
                what, self._unnoticed = self._unnoticed, None
                raise ConnectionResetError(what)
            try:
                return function(*args, **kwargs)
            except Exception as error:
                if not is_unavailable(error):
                    raise
                what = f"Redis cannot serve: {error}"
                if not is_noticed:
                    self._unnoticed = what
                time.sleep(self._pause)
                raise ConnectionResetError(what) from error

        setattr(owner, name, checked)


def is_unavailable(error: Exception) -> bool:
    """Whether this is a reply with which Redis says that it cannot serve now."""
    from redis.exceptions import ResponseError

    if type(error).__name__ in _CLASSES:
        return True
    return isinstance(error, ResponseError) and str(error).startswith(_UNAVAILABLE)


def drop_what_is_not_a_message(channel: Any) -> None:
    """Let a channel of Redis pass over elements of its lists that are not messages."""
    read, deliver = channel.handlers["BRPOP"], channel.connection._deliver

    def checked_read(*args: Any, **kwargs: Any) -> Any:
        try:
            return read(*args, **kwargs)
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            _log.error("an element of a list of messages is not a message, and is dropped: %s", error)
            return None

    def checked_deliver(element: Any, queue: str) -> None:
        if _is_message(element):
            deliver(element, queue)
        else:
            _log.error("an element of the list %r is not a message, and is dropped: %.200r", queue, element)

    channel.handlers["BRPOP"], channel.connection._deliver = checked_read, checked_deliver


def _is_message(element: Any) -> bool:
    match element:
        case {"properties": {"delivery_info": dict(), "delivery_tag": str()}, "headers": dict()}:
            return True
        case _:
            return False
