"""Tracebacks of users' errors: their code, never ours."""

from __future__ import annotations

from selinon_core import compile_text
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
