"""Results that are made up fit the annotation of ``run``, where the task has no ``output_schema``."""

from __future__ import annotations

from pathlib import Path

import pytest

from selinon_core.local import LocalExecutor, LocalOptions
from selinon_core.project import compile_project

FLOWS = """
tasks:
  - {name: Load, import: annotated_tasks, storage: Results}
  - {name: Sum, import: annotated_tasks, storage: Results}
storages: [{name: Results, import: selinon_core.storages.memory, classname: InMemoryStorage}]
flow-definitions:
  - name: main
    edges:
      - {from: , to: Load}
      - {from: Load, to: Sum, args: {number: "${Load.number + 1}", names: "${Load.names}"}}
"""
TASKS = """
from typing import TypedDict

from selinon_core import SelinonTask

class Loaded(TypedDict):
    number: int
    names: list[str]

class Load(SelinonTask):
    def run(self, node_args) -> Loaded:
        raise AssertionError("no code runs")

class Sum(SelinonTask):
    def run(self, *, number: int, names: list[str]):
        raise AssertionError("no code runs")
"""


def test_a_mocked_task_returns_what_its_annotation_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nodes.yaml").write_text(FLOWS)
    (tmp_path / "annotated_tasks.py").write_text(TASKS)
    monkeypatch.chdir(tmp_path)
    plan = compile_project(["nodes.yaml"]).plan
    assert plan is not None
    run = LocalExecutor(plan, LocalOptions(mock_all=True, pythonpath=(str(tmp_path),))).run("main")
    assert (run.status, [node["result"] for node in run.nodes]) == ("success", [{"number": 0, "names": []}, None])
