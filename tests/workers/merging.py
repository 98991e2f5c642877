"""Many recorded cases in one configuration, so that one set of workers can run them all."""

from __future__ import annotations

import json
import re
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
        runs = {"import": "tests.workers.acting", "queue": queue}
        tasks += [task if "wait" in task else {**task, **runs} for task in renamed]
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
    if isinstance(value, dict):
        return {prefix + key if key in names else key: _part(value, key, prefix, names) for key in value}
    return value


def _part(value: Json, key: str, prefix: str, names: set[str]) -> Any:
    """A part of a mapping: expressions name nodes anywhere, arguments of predicates are values, no names."""
    inner = value[key]
    of_edge = "to" in value or "fallback" in value
    if key == "output" or (of_edge and key in ("args", "condition", "foreach")):
        return _renamed(inner, prefix, names) if _is_old(inner) else _in_texts(inner, prefix, names)
    return inner if key == "args" else _renamed(inner, prefix, names)


def _is_old(value: Any) -> bool:
    """Whether it is a tree of predicates, or a function of a module."""
    return isinstance(value, dict) and not {"name", "and", "or", "not", "function"}.isdisjoint(value)


def _in_texts(value: Any, prefix: str, names: set[str]) -> Any:
    if isinstance(value, str):
        return re.sub(rf"\b({'|'.join(sorted(names))})\b", rf"{prefix}\1", value)
    if isinstance(value, list):
        return [_in_texts(item, prefix, names) for item in value]
    if isinstance(value, dict):
        return {key: _in_texts(inner, prefix, names) for key, inner in value.items()}
    return value


def separated(report: Json, prefix: str) -> Json:
    """A report of a run of a merged case with the names the case had."""
    parted: Json = json.loads(json.dumps(report).replace(prefix, ""))
    return parted
