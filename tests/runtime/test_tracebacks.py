"""Tracebacks of users' errors: their code, never ours."""

from __future__ import annotations

from pathlib import Path
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


def test_the_traceback_of_an_import_that_fails_is_about_the_users_module(tmp_path: Path) -> None:
    (tmp_path / "broken_module.py").write_text("x = 1\nimport not_there_at_all\n")
    plan = compile_text({"f.yaml": FLOW.replace("nothing", "broken_module")}).plan
    assert plan is not None
    (node,) = LocalExecutor(plan, LocalOptions(pythonpath=(str(tmp_path),))).run("f").nodes
    told = node["error"]["traceback"]
    assert 'broken_module.py", line 2' in told
    assert "importlib" not in told
    assert told.count("Traceback (most recent call last)") == 1


def test_a_module_that_is_not_there_needs_no_traceback() -> None:
    plan = compile_text({"f.yaml": FLOW}).plan
    assert plan is not None
    (node,) = LocalExecutor(plan).run("f").nodes
    assert node["error"]["traceback"].count("\n") == 0
    assert "cannot import module nothing" in node["error"]["traceback"]


def test_a_function_that_raises_is_told_with_its_line() -> None:
    text = FLOW.replace("to: A", f"to: A, foreach: {{import: {__name__}, function: items}}")
    plan = compile_text({"f.yaml": text}).plan
    assert plan is not None
    run = LocalExecutor(plan, LocalOptions(mock_all=True)).run("f")
    assert run.error is not None
    line = items.__code__.co_firstlineno + 1
    assert run.error.endswith(f"raised KeyError: 'gone' (tests/runtime/test_tracebacks.py:{line})"), run.error


def items(storage_pool: Any, node_args: Any) -> Any:
    return {}["gone"]
