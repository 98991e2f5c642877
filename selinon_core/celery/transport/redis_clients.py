"""Keeps the client of a Redis channel: kombu makes one for every command, which costs more than the command."""

from __future__ import annotations

from typing import Any


def keep_client(channel: Any) -> None:
    """Let a channel of kombu's Redis transport use one client for as long as it has its pool of connections.

    A client holds no connection: it takes one of the pool for each command, and may be used by several threads.
    Channels of other transports stay as they are.
    """
    create = getattr(channel, "_create_client", None)
    if create is None or not hasattr(channel, "_pool") or "_create_client" in vars(channel):
        return
    kept: list[Any] = []

    def create_once(asynchronous: bool = False) -> Any:
        if asynchronous:  # it holds a connection, and kombu keeps it
            return create(asynchronous=True)
        client = kept[0] if kept else None
        if client is None or client.connection_pool is not channel._pool:
            kept[:] = [client := create()]
        return client

    channel._create_client = create_once
