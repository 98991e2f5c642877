"""Results that code asks for, held against what edges and fallbacks can give it."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tests.lint.example_projects import lint_text

CODE = """
from selinon import SelinonTask
class Plain(SelinonTask):
    def run(self, node_args):
        return 1
class Reads(SelinonTask):
    def run(self, node_args):
        {body}
def items(storage_pool, node_args):
    return storage_pool.get("A")
"""
READ = 'return self.parent_task_result("A")'
TASKS = """
tasks:
  - {name: A, import: shop, classname: Plain, storage: R}
  - {name: B, import: shop, classname: Plain, storage: R}
  - {name: C, import: shop, classname: Plain, storage: R}
  - {name: T, import: shop, classname: Reads}
storages:
  - {name: R, import: selinon.storages.memory, classname: InMemoryStorage}
flow-definitions:
"""


def found_in(flows: str, tmp_path: Path, body: str = READ) -> list[str]:
    """The messages about parents for tasks A, B, C and T, of which T asks for the result of A."""
    code = textwrap.indent(CODE.format(body=body).strip(), "#   ", lambda line: True)
    text = f"# shop.py\n{code}\n{TASKS}{textwrap.indent(textwrap.dedent(flows), '  ')}"
    return [d.message for d in lint_text(text, tmp_path) if d.code == "SEL424"]


@pytest.mark.parametrize(
    "flows",
    [
        "- {name: f, edges: [{from: , to: [A]}, {from: A, to: T}]}",
        "- {name: f, edges: [{from: , to: [A, B]}, {from: [A, B], to: T}]}",
        # One edge of several is enough.
        "- {name: f, edges: [{from: , to: [A, B]}, {from: B, to: T}, {from: A, to: T}]}",
        # In another flow.
        """
        - {name: f, edges: [{from: , to: B}, {from: B, to: T}]}
        - {name: g, edges: [{from: , to: A}, {from: A, to: T}]}
        """,
        # From above.
        """
        - {name: f, propagate_parent: g, edges: [{from: , to: A}, {from: A, to: g}]}
        - {name: g, edges: [{from: , to: T}]}
        """,
        """
        - {name: f, propagate_parent: true, edges: [{from: , to: A}, {from: A, to: g}]}
        - {name: g, propagate_parent: true, edges: [{from: , to: h}]}
        - {name: h, edges: [{from: , to: T}]}
        """,
        # A fallback gets the parents of what failed, and what failed may itself be a fallback.
        "- {name: f, edges: [{from: , to: A}, {from: A, to: B}], failures: [{nodes: B, fallback: T}]}",
        """
        - name: f
          edges: [{from: , to: A}, {from: A, to: B}]
          failures: [{nodes: B, fallback: C}, {nodes: C, fallback: T}]
        """,
        # Not known.
        "- {name: f, edges: [{from: , to: B}, {from: Aa, to: T}]}",
        "- {name: f, edges: [{from: , to: B}, {from: 5, to: T}]}",
        # Never started.
        "- {name: f, edges: [{from: , to: B}]}",
    ],
)
def test_possible_parents(flows: str, tmp_path: Path) -> None:
    assert found_in(flows, tmp_path) == []


@pytest.mark.parametrize(
    "flows",
    [
        "- {name: f, edges: [{from: , to: [A, B]}, {from: B, to: T}]}",
        "- {name: f, edges: [{from: , to: [A, T]}]}",
        # Behind, not parents.
        "- {name: f, edges: [{from: , to: A}, {from: A, to: B}, {from: B, to: T}]}",
        # Not handed down.
        """
        - {name: f, edges: [{from: , to: A}, {from: A, to: g}]}
        - {name: g, edges: [{from: , to: T}]}
        """,
        # What failed is not a parent of its fallback.
        "- {name: f, edges: [{from: , to: A}], failures: [{nodes: A, fallback: T}]}",
        # A circle of flows that propagate to each other ends.
        """
        - {name: f, propagate_parent: true, edges: [{from: , to: g}]}
        - {name: g, propagate_parent: true, edges: [{from: , to: T}, {from: , to: f}]}
        """,
    ],
)
def test_impossible_parents(flows: str, tmp_path: Path) -> None:
    assert found_in(flows, tmp_path) == ['task "T" asks for the result of "A", which is never given to it']


@pytest.mark.parametrize(
    "body",
    [
        'return self.parent_task_result("A") if "A" in self.parent else None',
        'return "A" in self.parent and self.parent_task_result("A")',
        'return other.parent_task_result("A")',
        "return self.parent_task_result(node_args)",
        'if self.flow_name == "g": return self.parent_task_result("A")',
    ],
)
def test_calls_that_code_guards_are_left_out(body: str, tmp_path: Path) -> None:
    assert found_in("- {name: f, edges: [{from: , to: [A, T]}]}", tmp_path, body) == []


def test_results_of_sub_flows(tmp_path: Path) -> None:
    flows = """
    - {name: f, propagate_finished: g, edges: [{from: , to: [g, B]}, {from: B, to: T}]}
    - {name: g, edges: [{from: , to: A}]}
    """
    found = found_in(flows, tmp_path, 'return self.parent_flow_result("g", "A")')
    assert found == ['task "T" asks for the result of "g", which is never given to it']
    assert found_in(flows.replace("{from: B", "{from: g"), tmp_path, 'self.parent_flow_result("g", "A")') == []


def test_foreach_functions(tmp_path: Path) -> None:
    edge = "{from: B, to: C, foreach: {import: shop, function: items}}"
    flow = f"- {{name: f, edges: [{{from: , to: [A, B]}}, {edge}]}}"
    assert found_in(flow, tmp_path) == [
        'foreach function "items" asks for the result of "A", which is never given to it'
    ]
    assert found_in(flow.replace("{from: B,", "{from: [A, B],"), tmp_path) == []
