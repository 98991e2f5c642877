"""The Celery app that the workers of the benchmark serve; servers come from the environment."""

from __future__ import annotations

import json
import os

from benchmarks.celery import ready  # noqa: F401
from benchmarks.celery.shapes import configuration
from celery import Celery
from selinon_core.celery import Selinon
from selinon_core.project import compile_data

app = Celery("bench", broker=os.environ["BENCH_BROKER"], backend=os.environ["BENCH_BACKEND"])
app.conf.update(
    worker_prefetch_multiplier=int(os.environ.get("BENCH_PREFETCH", "1")),
    selinon_state_url=os.environ["BENCH_STATE"],
    worker_hijack_root_logger=False,
)
app.conf.update(json.loads(os.environ.get("BENCH_SETTINGS", "{}")))
_given = os.environ.get("BENCH_CONFIGURATION")
_project = compile_data(
    json.loads(_given)
    if _given
    else configuration([tuple(row) for row in json.loads(os.environ["BENCH_WORKLOADS"])])
)
assert _project.plan is not None, [str(d) for d in _project.diagnostics]
selinon = Selinon(app, plan=_project.plan)


@app.task(name="bench.noop", acks_late=True)
def noop() -> None:
    """A node of canvas."""


@app.task(name="bench.bare", acks_late=True, ignore_result=True)
def bare() -> None:
    """An independent message: counts itself."""
    import redis

    global _client
    if _client is None:
        _client = redis.Redis.from_url(os.environ["BENCH_BACKEND"])
    _client.incr("bare")


_client = None
