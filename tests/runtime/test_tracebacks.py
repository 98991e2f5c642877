"""Tracebacks of users' errors: their code, never ours."""

from __future__ import annotations

from typing import Any

from selinon_core import SelinonTask, compile_text
from selinon_core.local import LocalExecutor, LocalOptions, Mocks

FLOW = """
tasks: [{name: A, import: nothing}]
flow-definitions: [{name: f, edges: [{from: , to: A}]}]
"""


def test_an_error_that_no_code_of_the_user_raised_is_told_in_one_line() -> None:
    plan = compile_text({"f.yaml": FLOW}).plan
    assert plan is not None
    mocks = Mocks.from_mapping({"A": {"error": "ValueError: no"}})
    run = LocalExecutor(plan, LocalOptions(mocks=mocks)).run("f")
    assert run.nodes[0]["error"] == {"type": "ValueError", "message": "no", "traceback": "ValueError: no"}


def test_a_traceback_ends_where_the_user_called_us() -> None:
    plan = compile_text({"f.yaml": FLOW.replace("nothing", "tests.runtime.test_tracebacks")}).plan
    assert plan is not None
    (node,) = LocalExecutor(plan).run("f").nodes
    told = node["error"]["traceback"]
    assert "parent_task_result" in told
    assert "selinon_core/" not in told
    assert told.endswith(f"NoParentNodeError: {node['error']['message']}")


class A(SelinonTask):
    """A task that asks for a parent that it has not."""

    def run(self, node_args: Any) -> Any:
        return self.parent_task_result("B")
