"""A project in which a task waits for a signal."""

from __future__ import annotations

from selinon_core.plan import Plan
from selinon_core.project import compile_text

PROJECT = """
tasks:
  - {{name: A, import: tests.celery.counted_waits, classname: Noting, storage: S}}
  - {{name: B, import: tests.celery.counted_waits, classname: Noting, storage: S}}
  - {{name: C, import: tests.celery.counted_waits, classname: Noting, storage: S}}
  - name: Approve
    wait: {{title: "Ship ${{args.number}}?"{timeout}}}
    storage: S
    output_schema: {{type: object, required: [ok], properties: {{ok: {{type: boolean}}}}}}
storages:
  - {{name: S, import: selinon_core.storages.memory, classname: InMemoryStorage}}
flow-definitions:
{flows}
"""
ORDER = """
  - name: order
    edges:
      - {from: , to: A}
      - {from: A, to: Approve}
      - {from: Approve, to: B, condition: Approve.ok}
    failures:
      - {nodes: Approve, fallback: C}
"""
OLD_ORDER = """
  - name: order
    edges:
      - {from: , to: A}
      - {from: A, to: B}
    failures:
      - {nodes: B, fallback: C}
"""


def project(flows: str = ORDER, timeout: float | None = 3600) -> Plan:
    given = "" if timeout is None else f", timeout: {timeout}"
    compiled = compile_text({"p.yaml": PROJECT.format(flows=flows, timeout=given)})
    assert compiled.plan is not None, compiled.diagnostics
    return compiled.plan


def older_project() -> Plan:
    """The files of before: the flow had no wait yet."""
    text = PROJECT.format(flows=OLD_ORDER, timeout="")
    begin, end = text.index("  - name: Approve"), text.index("storages:")
    compiled = compile_text({"p.yaml": text[:begin] + text[end:]})
    assert compiled.plan is not None, compiled.diagnostics
    return compiled.plan
