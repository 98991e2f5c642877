"""The local executor with its default settings: storage mocked, events recorded, one task at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from shapes import Edges, Workload

from selinon_core.local import LocalExecutor, LocalOptions, LocalRun
from selinon_core.plan import Plan
from selinon_core.project import compile_data


def compiled(workload: Workload) -> Plan:
    """The plan of a workload; flows that run at once are sub-flows of one."""
    condition = (
        {"condition": {"name": "fieldEqual", "args": {"key": "x", "value": 1}}} if workload.predicate else {}
    )
    flows = [_flow("flow", workload.edges, condition)]
    if workload.times > 1:
        flows.append(_flow("all", [([], ["flow"] * workload.times)], {}))
    task = {"import": "noop", "classname": "Small" if workload.predicate else "Noop", "storage": "Memory"}
    project = compile_data(
        {
            "tasks": [{"name": name, **task} for name in workload.tasks],
            "storages": [
                {"name": "Memory", "import": "selinon_core.storages.memory", "classname": "InMemoryStorage"}
            ],
            "flow-definitions": flows,
        }
    )
    if project.plan is None:
        raise SystemExit(f"{workload.name}: {project.diagnostics}")
    return project.plan


def _flow(name: str, edges: Edges, condition: dict[str, Any]) -> dict[str, Any]:
    listed = [{"from": sources, "to": started, **(condition if sources else {})} for sources, started in edges]
    return {"name": name, "edges": listed}


def runner(workload: Workload) -> Callable[[], LocalRun]:
    """A function that runs the workload."""
    executor = LocalExecutor(compiled(workload), LocalOptions(pythonpath=(os.path.dirname(__file__),)))
    flow = "all" if workload.times > 1 else "flow"
    return lambda: executor.run(flow)


def prepare(workload: Workload) -> Callable[[], Any]:
    """What is timed."""
    return runner(workload)


def ran(result: LocalRun) -> int:
    """How many tasks succeeded, of a run that did."""
    if result.status != "success":
        raise SystemExit(f"the run failed: {result.error}")
    return sum(node["kind"] == "task" and node["status"] == "success" for node in result.nodes)
