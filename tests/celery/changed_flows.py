"""Flows that change while they run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selinon_core.plan import Plan
from selinon_core.project import compile_data

Json = dict[str, Any]


def plan_of(nodes: Json, flows: list[Json], directory: Path | None = None, **settings: Any) -> Plan:
    if directory is not None:
        settings["migration_dir"] = str(directory)
    project = compile_data(
        {**nodes, "global": {**nodes.get("global", {}), **settings}}, {"flow-definitions": flows}
    )
    assert project.plan is not None, list(project.diagnostics)
    return project.plan


NODES: Json = {"tasks": [{"name": name, "import": "scripted", "classname": "Scripted"} for name in "ABCDEF"]}
CHAIN: list[Json] = [
    {"name": "f", "edges": [{"from": None, "to": "A"}, {"from": "A", "to": "B"}, {"from": "B", "to": "C"}]}
]


def flow(*edges: tuple[Any, Any], **keys: Any) -> Json:
    return {"name": "f", "edges": [{"from": sources, "to": to} for sources, to in edges], **keys}
