"""A worker outlives its Redis.

Celery drops a lost connection and then closes its channel, which wants to give back what the worker holds, over a
connection that does not know its server any more. kombu says ``AttributeError`` there (5.7), which nobody expects:
the worker ends. So it does when a task that went on meanwhile is to be acknowledged. Told as the loss of a
connection, which it is, it does no harm: Redis has the messages, and hands them out when they are not spoken of.
"""

from __future__ import annotations

from typing import Any

from celery import bootsteps

from selinon_core.celery.transport.defaults import is_redis


class LostConnectionStep(bootsteps.StartStopStep):
    """Makes the channel of a worker's messages say what is the matter; anew after each connection."""

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
