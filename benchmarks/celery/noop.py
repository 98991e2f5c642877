"""The task of the benchmark, and a storage shared by all worker processes; the original runs them too."""

from __future__ import annotations

import json
import os
from typing import Any

from selinon import DataStorage, SelinonTask


class Noop(SelinonTask):
    """Does nothing and returns a little."""

    def run(self, node_args: Any) -> Any:
        """Return what the condition of the condition chain reads."""
        return {"ok": 1} if self.task_name.startswith("V") else None


class Results(DataStorage):
    """Results in a Redis. (The original's own storage does not work with today's client library.)"""

    def __init__(self, variable: str) -> None:
        self._url = os.environ[variable]
        self._client: Any = None

    def is_connected(self) -> bool:
        """Whether there is a client."""
        return self._client is not None

    def connect(self) -> None:
        """Connect."""
        import redis

        self._client = redis.Redis.from_url(self._url)

    def disconnect(self) -> None:
        """Disconnect."""
        self._client = None

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        """Read."""
        return json.loads(self._client.get("result:" + task_id))

    def store(self, node_args: Any, flow_name: str, task_name: str, task_id: str, result: Any) -> Any:
        """Write."""
        return self._client.set("result:" + task_id, json.dumps(result), ex=3600)


class Fails(SelinonTask):
    """Fails, and waits for its next attempt."""

    def run(self, node_args: Any) -> Any:
        """Raise."""
        raise RuntimeError("not yet")


class Mended(SelinonTask):
    """Fails until the file that ``BENCH_MENDED`` names is there."""

    def run(self, node_args: Any) -> Any:
        """Raise, or do nothing."""
        if not os.path.exists(os.environ["BENCH_MENDED"]):
            raise RuntimeError("the API is down")
