"""The same workloads as DBOS workflows on PostgreSQL: ``dbos`` in one process, ``dbos-queue`` on worker processes.

A chain is a workflow of steps. What runs at once are child workflows, which are started in the process (``dbos``)
or go through a queue that the worker processes serve (``dbos-queue``). Both are DBOS's own ways; the first is its
fastest. Runs in an environment that has ``dbos``, from this directory, without the packages of this repository.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSClient
from shapes import WIDTH

#: Seconds between two looks at the queue. DBOS's default is 1; shorter ones than this were not faster.
POLLING = 0.05
QUEUE = "bench"

DBOS(
    config={
        "name": "bench",
        "system_database_url": os.environ["BENCH_STATE"],
        "application_version": "bench",
        "executor_id": str(os.getpid()),
        "log_level": "ERROR",
        "console_log_level": "ERROR",
    }
)


@DBOS.step()
def noop() -> dict[str, int]:
    """A task that is a step."""
    return {"ok": 1}


@DBOS.workflow()
def child() -> None:
    """A task that is a workflow of its own."""


@DBOS.workflow()
def chain(size: int) -> int:
    """One step after another."""
    for _ in range(size):
        noop()
    return size


@DBOS.workflow()
def conditions(size: int) -> int:
    """One step after another, as long as the result of the step before says so."""
    result = noop()
    for _ in range(size - 1):
        if "ok" not in result:
            break
        result = noop()
    return size


@DBOS.workflow()
def fan(size: int, queued: bool) -> int:
    """A step, child workflows at once, a step."""
    noop()
    _at_once(size, queued)
    noop()
    return size + 2


@DBOS.workflow()
def ladder(size: int, queued: bool) -> int:
    """Layers of child workflows, each after all of the layer before."""
    for _ in range(size):
        _at_once(WIDTH, queued)
    return size * WIDTH


def _at_once(size: int, queued: bool) -> None:
    if queued:
        handles = [DBOS.enqueue_workflow(QUEUE, child) for _ in range(size)]
    else:
        handles = [DBOS.start_workflow(child) for _ in range(size)]
    for handle in handles:
        handle.get_result(polling_interval_sec=POLLING)


def _calls(workload: str, size: int, queued: bool) -> list[tuple[Any, tuple[Any, ...]]]:
    if workload == "many":
        return [(chain, (5,))] * size
    flow = {"chain": chain, "conditions": conditions, "fan": fan, "ladder": ladder}[workload]
    return [(flow, (size,) if workload in ("chain", "conditions") else (size, queued))]


class InProcess:
    """Workflows run in this process."""

    def __init__(self) -> None:
        DBOS.launch()

    def run(self, workload: str, size: int) -> int:
        """Run a workload; returns how many tasks ran."""
        handles = [DBOS.start_workflow(flow, *args) for flow, args in _calls(workload, size, False)]
        return sum(handle.get_result() for handle in handles)


class Queued:
    """Workflows run in the worker processes."""

    def __init__(self) -> None:
        self._client = DBOSClient(system_database_url=os.environ["BENCH_STATE"])

    def run(self, workload: str, size: int) -> int:
        """Run a workload; returns how many tasks ran."""
        options = {"queue_name": QUEUE, "app_version": "bench"}
        handles: list[Any] = [
            self._client.enqueue({**options, "workflow_name": flow.__qualname__}, *args)
            for flow, args in _calls(workload, size, True)
        ]
        return sum(handle.get_result(polling_interval_sec=0.005) for handle in handles)


def serve() -> None:
    """A worker process: serve the queue until the process gets a signal."""
    DBOS.launch()
    DBOS.register_queue(QUEUE, polling_interval_sec=POLLING)
    Path(os.environ["BENCH_READY"]).touch()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    serve()
