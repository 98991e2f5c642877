"""Tasks that run and are counted, in flows of plain text."""

from __future__ import annotations

from typing import Any

from selinon_core.plan import Plan
from selinon_core.project import compile_text

CALLS: list[str] = []


class Task:
    """Runs and is counted."""

    def __init__(self, **names: Any) -> None:
        self.names = names

    def run(self, node_args: Any) -> Any:
        CALLS.append(self.names["task_name"])
        if self.names["task_name"] == "Fail":
            raise ValueError("no")
        return None


def plan_of(flow: str, extra: str = "", task: str = "") -> Plan:
    names = ["A", "B", "C", "Fail"]
    tasks = "\n".join(f"  - {{name: {n}, import: {__name__}, classname: Task{task}}}" for n in names)
    text = f"tasks:\n{tasks}\nflow-definitions:\n  - name: main\n{extra}    edges:\n{flow}"
    project = compile_text({"nodes.yaml": text})
    assert project.plan is not None, [d.message for d in project.diagnostics]
    return project.plan
