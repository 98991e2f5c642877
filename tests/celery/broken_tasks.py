"""Tasks that fail while they are broken, and what each did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from selinon_core.plan import Plan
from selinon_core.project import compile_text

#: ``flow.task`` of tasks that fail, and how often each task run succeeded, by id.
BROKEN: set[str] = set()
SUCCEEDED: Counter[str] = Counter()
#: A flow with fallbacks, and two more inside each other.
NESTED = """
  - name: f
    edges:
      - {from: , to: [A, B]}
      - {from: [A, B], to: C}
      - {from: A, to: g}
      - {from: [g, C], to: D}
    failures: [{nodes: B, fallback: E}]
  - name: g
    edges: [{from: , to: [A, h]}, {from: h, to: B}]
  - name: h
    edges: [{from: , to: [C, D]}, {from: [C, D], to: E}]
    failures: [{nodes: D, fallback: F}]
"""


class Task:
    """Fails while it is broken."""

    def __init__(self, **names: Any) -> None:
        self.names = names

    def run(self, node_args: Any) -> Any:
        names = self.names
        if f"{names['flow_name']}.{names['task_name']}" in BROKEN:
            raise ValueError(f"{names['task_name']} is broken")
        SUCCEEDED[names["task_id"]] += 1
        return None


def set_up(*broken: str) -> None:
    BROKEN.clear()
    BROKEN.update(broken)
    SUCCEEDED.clear()


def broken_plan(flows: str, task: str = "", storages: bool = False, own: Mapping[str, str] = {}) -> Plan:
    """A plan of tasks A to F and these flows (YAML, with an indent of two); with ``storages`` one called Kept.

    ``task`` is added to what all tasks have, ``own`` to what one of them has.
    """
    each = {name: task + own.get(name, "") for name in "ABCDEF"}
    tasks = "\n".join(f"  - {{name: {n}, import: {__name__}, classname: Task{more}}}" for n, more in each.items())
    kept = "storages:\n  - {name: Kept, import: selinon_core.storages.memory, classname: InMemoryStorage}\n"
    text = f"tasks:\n{tasks}\n{kept if storages else ''}flow-definitions:\n{flows}"
    project = compile_text({"nodes.yaml": text})
    assert project.plan is not None, [d.message for d in project.diagnostics]
    return project.plan
