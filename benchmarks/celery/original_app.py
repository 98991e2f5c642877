"""The Celery app of the original selinon 1.4.0: the same flows, tasks and storage, and its fastest settings.

Runs in an environment of its own (see original.py), from this directory, without the packages of this repository.
"""

from __future__ import annotations

import json
import os

import ready  # noqa: F401
from shapes import configuration

from celery import Celery
from selinon import Config, run_flow

__all__ = ["app", "run_flow"]

app = Celery("original", broker=os.environ["BENCH_BROKER"], backend=os.environ["BENCH_BACKEND"])
app.conf.update(
    worker_prefetch_multiplier=int(os.environ.get("BENCH_PREFETCH", "1")),
    worker_hijack_root_logger=False,
    **json.loads(os.environ.get("BENCH_SETTINGS", "{}")),
)


def _configure() -> None:
    given = configuration([tuple(row) for row in json.loads(os.environ["BENCH_WORKLOADS"])], module="noop")
    flows = given.pop("flow-definitions")
    for flow in flows:  # its dispatcher polls; without an interval it is fastest
        flow["sampling"] = {"name": "constant", "args": {"retry": 0}}
    queue = app.conf.task_default_queue
    given["global"] = {"default_task_queue": queue, "default_dispatcher_queue": queue}
    Config.set_celery_app(app)
    Config.set_config_dict(given, [{"flow-definitions": flows}])


_configure()
