"""The workloads: the same shapes as plans for selinon and as canvas for plain Celery. All tasks are no-ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Json = dict[str, Any]
#: (workload, size); the quick ones show that the benchmark works, their figures mean nothing
QUICK = [("chain", 5), ("fan", 5), ("ladder", 2), ("conditions", 5), ("many", 5)]
FULL = [
    ("chain", 10),
    ("chain", 100),
    ("chain", 1000),
    ("fan", 10),
    ("fan", 100),
    ("fan", 1000),
    ("fan", 5000),
    ("ladder", 10),
    ("ladder", 100),
    ("conditions", 100),
    ("many", 500),
]
WIDTH = 10


def nodes(workload: str, size: int) -> int:
    """How many tasks a workload runs."""
    sizes = {"fan": size + 2, "ladder": size * WIDTH, "many": size * 5}
    return sizes.get(workload, size)


def name_of(workload: str, size: int) -> str:
    """The name of the flow."""
    return f"{workload}{size}"


def configuration(workloads: list[tuple[str, int]], module: str = "benchmarks.celery.noop") -> Json:
    """One configuration with all flows, that the original can read too; ``module`` has the task."""
    flows, used = [], set()
    for workload, size in workloads:
        edges = _EDGES[workload](size)
        flows.append({"name": name_of(workload, size), "edges": edges})
        for edge in edges:
            used.update(edge["to"])
    tasks = [
        {"name": name, "import": module, "classname": "Noop"}
        | ({"storage": "Results"} if name.startswith("V") else {})
        for name in sorted(used)
    ]
    storage = {
        "name": "Results",
        "import": module,
        "classname": "Results",
        "configuration": {"variable": "BENCH_BACKEND"},
    }
    return {
        "tasks": tasks,
        "storages": [storage] if any("storage" in task for task in tasks) else [],
        "flow-definitions": flows,
        "flows": [flow["name"] for flow in flows],
    }


def _chain(size: int) -> list[Json]:
    edges: list[Json] = [{"from": [], "to": ["T0"]}]
    return edges + [{"from": [f"T{i}"], "to": [f"T{i + 1}"]} for i in range(size - 1)]


def _conditions(size: int) -> list[Json]:
    edges: list[Json] = [{"from": [], "to": ["V0"]}]
    holds = {"name": "fieldExist", "args": {"key": "ok"}}
    return edges + [{"from": [f"V{i}"], "to": [f"V{i + 1}"], "condition": holds} for i in range(size - 1)]


def _fan(size: int) -> list[Json]:
    middle = [f"T{i + 1}" for i in range(size)]
    return [
        {"from": [], "to": ["T0"]},
        {"from": ["T0"], "to": middle},
        {"from": middle, "to": ["Last"]},
    ]


def _ladder(size: int) -> list[Json]:
    layers = [[f"T{layer * WIDTH + i}" for i in range(WIDTH)] for layer in range(size)]
    edges: list[Json] = [{"from": [], "to": layers[0]}]
    return edges + [{"from": layers[i], "to": layers[i + 1]} for i in range(size - 1)]


_EDGES: dict[str, Callable[[int], list[Json]]] = {
    "chain": _chain,
    "conditions": _conditions,
    "fan": _fan,
    "ladder": _ladder,
    "many": lambda size: _chain(5),
}


def canvas(workload: str, size: int, task: Any) -> list[Any]:
    """The signatures to be applied, the result of each of which is waited for."""
    from celery import chain, chord, group

    def one() -> Any:
        return task.si()

    if workload in ("chain", "conditions"):
        return [chain(one() for _ in range(size))]
    if workload == "fan":
        return [chain(one(), chord(group(one() for _ in range(size)), one()))]
    if workload == "ladder":
        layers = [group(one() for _ in range(WIDTH)) for _ in range(size)]
        work = layers[-1]
        for layer in reversed(layers[:-1]):
            work = chord(layer, work)
        return [work]
    return [chain(one() for _ in range(5)) for _ in range(size)]
