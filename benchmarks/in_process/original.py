"""The executor of the original selinon 1.4.0, repaired at run time because it cannot run as it is.

Unique ids (it takes memory addresses, which come back), a settable ``request`` (Celery made it read-only), no
sleeping, and a sampling of constant 0, its fastest. Its storage is a dictionary.
Needs an interpreter with ``selinon==1.4.0``.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from typing import Any

from shapes import Edges, Workload

from selinon import Config
from selinon.dispatcher import Dispatcher
from selinon.executor import celery_mocks, executor
from selinon.task_envelope import SelinonTaskEnvelope

_ids = (f"run-{number}" for number in itertools.count())


class Store:
    """A storage: results by id."""

    def __init__(self, name: str) -> None:
        self.results: dict[str, Any] = {}

    def connect(self) -> None:
        pass

    def is_connected(self) -> bool:
        return True

    def disconnect(self) -> None:
        pass

    def store(self, node_args: Any, flow_name: str, task_name: str, task_id: str, result: Any) -> str:
        self.results[task_id] = result
        return task_id

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        return self.results[task_id]

    def store_error(self, *told: Any) -> None:
        pass


def _apply_async(instance: Any, **celery_kwargs: Any) -> Any:
    run_id = next(_ids)
    instance.request = type("Request", (), {"id": run_id})()
    executor.Executor.schedule(instance, celery_kwargs)
    given = celery_kwargs["kwargs"]
    return celery_mocks.SimulateAsyncResult(given.get("task_name", given["flow_name"]), node_id=run_id)


def prepare(workload: Workload) -> Callable[[], Any]:
    """What is timed; reading the configuration is not."""
    logging.disable(logging.CRITICAL)
    Dispatcher.request = SelinonTaskEnvelope.request = None
    executor.simulate_apply_async = _apply_async
    executor.Progress.sleep = lambda **_options: None
    Config.set_config_dict(*_configuration(workload))
    runner = executor.Executor.__new__(executor.Executor)  # its constructor only reads configuration files
    runner.concurrency, runner.sleep_time, runner.show_progressbar = 1, 0, False
    successes = celery_mocks.SimulateAsyncResult.task_successes

    def run() -> int:
        before = len(successes)
        runner.run("all" if workload.times > 1 else "flow")
        flows = 1 + (workload.times if workload.times > 1 else 0)
        return len(successes) - before - flows

    return run


def _configuration(workload: Workload) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    condition = (
        {"condition": {"name": "fieldEqual", "args": {"key": "x", "value": 1}}} if workload.predicate else {}
    )
    flows = [_flow("flow", workload.edges, condition)]
    if workload.times > 1:
        flows.append(_flow("all", [([], ["flow"] * workload.times)], {}))
    task = {"import": "noop", "classname": "Small" if workload.predicate else "Noop", "storage": "Store"}
    nodes = {
        "tasks": [{"name": name, **task} for name in workload.tasks],
        "flows": [flow["name"] for flow in flows],
        "storages": [{"name": "Store", "import": "original", "configuration": {"name": "store"}}],
    }
    return nodes, [{"flow-definitions": flows}]


def _flow(name: str, edges: Edges, condition: dict[str, Any]) -> dict[str, Any]:
    listed = [{"from": sources, "to": started, **(condition if sources else {})} for sources, started in edges]
    return {"name": name, "edges": listed, "sampling": {"name": "constant", "args": {"retry": 0}}}


def ran(result: int) -> int:
    """How many tasks succeeded."""
    return result
