"""Many recorded cases in one configuration, so that one set of workers can run them all."""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]
#: Functions that read the result of a task by its name.
_BY_NAME = ("items_of_alpha", "items_of_bravo")


def prefix_of(number: int) -> str:
    """What the names of a case begin with."""
    return f"q{number}q"


def merge(cases: dict[str, Json], queue: str) -> Json:
    """One configuration of cases by prefix; all messages go to ``queue``."""
    tasks: list[Json] = []
    flows: list[Json] = []
    for prefix, case in cases.items():
        names = {task["name"] for task in case["nodes"]["tasks"]}
        names |= {flow["name"] for flow in case["flow_definitions"]}
        renamed = _renamed(case["nodes"]["tasks"], prefix, names)
        tasks += [{**task, "import": "tests.workers.acting", "queue": queue} for task in renamed]
        flows += [{**flow, "queue": queue} for flow in _renamed(case["flow_definitions"], prefix, names)]
    storage = {"name": "Memory", "import": "tests.workers.acting", "classname": "SharedStorage"}
    return {
        "tasks": tasks,
        "storages": [storage],
        "flows": [flow["name"] for flow in flows],
        "flow-definitions": flows,
    }


def _renamed(value: Any, prefix: str, names: set[str]) -> Any:
    if isinstance(value, str):
        if value == "scripted":
            return "tests.workers.acting"
        return prefix + value if value in names or value in _BY_NAME else value
    if isinstance(value, list):
        return [_renamed(item, prefix, names) for item in value]
    if isinstance(value, dict):  # arguments of predicates are values, no names
        return {
            prefix + key if key in names else key: inner if key == "args" else _renamed(inner, prefix, names)
            for key, inner in value.items()
        }
    return value


def separated(report: Json, prefix: str) -> Json:
    """A report of a run of a merged case with the names the case had."""
    parted: Json = json.loads(json.dumps(report).replace(prefix, ""))
    return parted
