"""Plans of one small flow ``f``, written as YAML."""

from __future__ import annotations

from selinon_core.plan import Plan
from selinon_core.project import compile_text

STORAGES = "storages: [{name: S, import: selinon_core.storages.memory, classname: InMemoryStorage}]\n"
HEAD = (
    STORAGES
    + "tasks: [{name: A, import: m, storage: S}, {name: B, import: m}, {name: C, import: m}]\n"
    + "flow-definitions:\n  - name: f\n"
)
#: Edges of ``flow``.
FIRST, SECOND = "{from: , to: A}", "{from: A, to: B, condition: {name: fieldExist, args: {key: x}}}"


def plan_of(text: str) -> Plan:
    """The plan of a text without mistakes."""
    project = compile_text({"f.yaml": text})
    assert project.plan is not None, project.diagnostics
    return project.plan


def flow(*edges: str) -> Plan:
    """A flow ``f`` of tasks A (whose result is stored), B and C with these edges."""
    return plan_of(HEAD + "    edges:\n" + "".join(f"      - {edge}\n" for edge in edges))
