"""The Celery app of the original selinon's workers: its own environment, the same shapes, no polling interval.

``BENCH_ORIGINAL`` is a JSON file ``{"nodes", "flows"}``. Must not see this repository's packages.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from celery import Celery

from selinon import Config, DataStorage, SelinonTask

app = Celery("original", broker=os.environ["BENCH_BROKER"], backend=os.environ["BENCH_BACKEND"])
app.conf.update(
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    **json.loads(os.environ.get("BENCH_SETTINGS", "{}")),
)


class Noop(SelinonTask):
    """Does nothing and returns a little."""

    def run(self, node_args: Any) -> Any:
        """Return what the condition of the condition chain reads."""
        return {"ok": 1} if self.task_name.startswith("V") else None


class Results(DataStorage):
    """Results in the benchmark's Redis. (The one that ships does not work with today's redis-py.)"""

    def __init__(self, name: str) -> None:
        self._client: Any = None

    def is_connected(self) -> bool:
        """Whether there is a client."""
        return self._client is not None

    def connect(self) -> None:
        """Connect."""
        import redis

        self._client = redis.Redis.from_url(os.environ["BENCH_BACKEND"])

    def disconnect(self) -> None:
        """Disconnect."""
        self._client = None

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        """Read."""
        return json.loads(self._client.get("result:" + task_id))

    def store(self, node_args: Any, flow_name: str, task_name: str, task_id: str, result: Any) -> Any:
        """Write."""
        return self._client.set("result:" + task_id, json.dumps(result), ex=3600)

    def store_error(self, *_told: Any) -> None:
        """Nothing is kept of errors."""


_given = json.loads(Path(os.environ["BENCH_ORIGINAL"]).read_text())
Config.set_celery_app(app)
Config.set_config_dict(_given["nodes"], [{"flow-definitions": _given["flows"]}])
