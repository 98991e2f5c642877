"""A stand-in for Celery's remote control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any


class RemoteControl:
    """Notes what is revoked. ``pools`` are the pools of live workers, by the names of the workers.

    They serve the queue ``celery``, but those in ``elsewhere``.
    """

    def __init__(self, pools: Mapping[str, str] | None = None, elsewhere: Sequence[str] = ()) -> None:
        self.revoked: list[str] = []
        self.pools = dict(pools or {})
        self.elsewhere = elsewhere

    def revoke(self, ids: list[str], terminate: bool) -> None:
        """Note the ids of tasks that are to be stopped."""
        assert terminate
        self.revoked += ids

    def inspect(self, timeout: float, connection: Any) -> Any:
        """What workers say of themselves."""
        stats = {name: {"pool": {"implementation": pool}} for name, pool in self.pools.items()}
        queues = {name: [{"name": "x" if name in self.elsewhere else "celery"}] for name in self.pools}
        return SimpleNamespace(stats=lambda: stats, active_queues=lambda: queues)
