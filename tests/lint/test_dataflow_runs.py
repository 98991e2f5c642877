"""What rules say of arguments and outputs is what happens: an error is a failure, nothing found a success."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from selinon_core.local import LocalExecutor, LocalOptions
from selinon_core.project import compile_project
from tests.lint.example_projects import lint_files

_TASKS = """
from selinon_core.task import SelinonTask

class Load(SelinonTask):
    def run(self, node_args):
        return {"number": 7, "lines": []}

class Take(SelinonTask):
    def run(self, node_args):
        return node_args
"""
_PROJECT = """
storages: [{name: S, import: selinon_core.storages.memory, classname: InMemoryStorage}]
tasks:
  - {name: Load, import: flowing_tasks, storage: S, output_schema: {
      type: object, required: [number, lines], additionalProperties: false,
      properties: {number: {type: integer}, lines: {type: array}, unit: {type: string}}}}
  - {name: Take, import: flowing_tasks, storage: S, input_schema: {
      type: object, required: [number], properties: {number: {type: integer}}, additionalProperties: false}}
flow-definitions:
  - name: inner
    input_schema: {type: object, required: [number], properties: {number: {type: integer}}}
    edges: [{from: , to: Load}]
  - name: easy
    input_schema: {type: object, required: [number], properties: {number: {type: integer, default: 1}}}
    edges: [{from: , to: Load}]
  - name: texts
    input_schema: {type: string}
    edges: [{from: , to: Load}]
  - name: main
"""
_NUMBER = "    input_schema: {type: object, required: [number], properties: {number: {type: integer}}}\n"
_TEXT = "    input_schema: {type: object, required: [number], properties: {number: {type: string}}}\n"
_OUTPUT = "    edges: [{from: , to: Load}]\n    output: "
_SCHEMA = "\n    output_schema: {type: object, required: [number], properties: {number: {type: integer}}}\n"


@pytest.mark.parametrize(
    ("flow", "args", "says"),
    [
        # a sub-flow without args gets nothing, which is an object without keys where only an object fits
        ("    edges: [{from: , to: inner}]\n", {"number": 1}, "error"),
        ("    edges: [{from: , to: texts}]\n", {"number": 1}, "error"),
        ("    edges: [{from: , to: easy}]\n", {"number": 1}, ""),
        # or the arguments of the flow; tasks get them in any case
        (_NUMBER + "    propagate_node_args: true\n    edges: [{from: , to: inner}]\n", {"number": 1}, ""),
        (_TEXT + "    propagate_node_args: inner\n    edges: [{from: , to: inner}]\n", {"number": "1"}, "error"),
        (_NUMBER + "    edges: [{from: , to: Take}]\n", {"number": 1}, ""),
        (_TEXT + "    edges: [{from: , to: Take}]\n", {"number": "1"}, "error"),
        ("    edges: [{from: , to: Take}]\n", {"number": 1}, ""),
        (_NUMBER + "    edges: [{from: , to: Take, foreach: '[1]'}]\n", {"number": 1}, "error"),
        # behind a condition
        (
            "    input_schema: {type: object, properties: {number: {type: [integer, 'null']}}}\n"
            "    edges: [{from: , to: Take, condition: 'default(args.number, null) != null'}]\n",
            {"number": 1},
            "",
        ),
        # outputs
        (_OUTPUT + "{number: '${Load.number}'}" + _SCHEMA, None, ""),
        (_OUTPUT + "{number: 'no ${Load.number}'}" + _SCHEMA, None, "error"),
        (_OUTPUT + "{nmber: '${Load.number}'}" + _SCHEMA, None, "error"),
        (_OUTPUT + "'${Load}'" + _SCHEMA, None, ""),
        (_OUTPUT + "'${Load.lines}'" + _SCHEMA, None, "error"),
        # positions
        (_OUTPUT + "{number: '${[Load.number][0]}'}" + _SCHEMA, None, ""),
        (_OUTPUT + "{number: '${[Load.number][1]}'}" + _SCHEMA, None, "error"),
        (_OUTPUT + "{number: '${default([Load.number][1], 2)}'}" + _SCHEMA, None, "warning"),
        (_OUTPUT + "{number: '${default(Load.nmber, 2)}'}" + _SCHEMA, None, "warning"),
        (_OUTPUT + "{number: '${default(Laod, 2)}'}" + _SCHEMA, None, "warning"),
        (_OUTPUT + "{number: '${2 if has(Take) else 3}'}" + _SCHEMA, None, "warning"),
        # whether a node with several runs has one is not known
        (
            "    input_schema: {type: object, required: [list], properties: {list: {type: array}}}\n"
            "    edges: [{from: , to: Take, args: {number: 1}}, {from: Take, to: Load, foreach: args.list}]\n"
            "    output: {number: '${2 if default(Load.number, false) else 3}'}\n",
            {"list": []},
            "warning",
        ),
        (_OUTPUT + "{number: '${2 if has(Load) or Load.number > \"a\" else 3}'}" + _SCHEMA, None, "error unless"),
    ],
)
def test_an_error_is_a_failure(flow: str, args: Any, says: str, tmp_path: Path) -> None:
    (tmp_path / "flowing_tasks.py").write_text(_TASKS)
    path = tmp_path / "flow.yaml"
    path.write_text(_PROJECT + flow)
    found = [
        one for one in lint_files([path], tmp_path).diagnostics if one.code.startswith(("SEL43", "SEL44", "SEL45"))
    ]
    severities = {one.severity.value for one in found if one.code != "SEL436"}
    assert severities == ({says.split()[0]} if says else set()), [one.message for one in found]
    with patch("selinon_core.lint.registry.rules_of_expressions", lambda: ()):
        plan = compile_project([str(path)]).plan
    assert plan is not None
    run = LocalExecutor(plan, LocalOptions(pythonpath=(str(tmp_path),))).run("main", args)
    assert run.status == ("failure" if says == "error" else "success")
