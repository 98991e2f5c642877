"""Makes a worker reconnect after its Redis broker restarted, where kombu's ``AttributeError`` would end it.

Celery drops a lost connection and then closes its channel. Closing gives back the unacknowledged messages, over a
connection that has lost its server. kombu 5.7 raises ``AttributeError`` there, which Celery does not expect: the
worker ends. The same happens when a task that ran meanwhile is acknowledged. Raised as ``ConnectionResetError`` it
is harmless: Celery reconnects, and Redis redelivers unacknowledged messages after the visibility timeout.
"""

from __future__ import annotations

from typing import Any

from celery import bootsteps

from selinon_core.celery.transport.defaults import is_redis


class LostConnectionStep(bootsteps.StartStopStep):
    """Replaces the error of the channel on which a worker consumes; set again after each connection."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, consumer: Any) -> None:
        """The worker is connected."""
        if is_redis(consumer.app.conf.broker_url):
            raise_connection_reset(consumer.task_consumer.channel)


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
