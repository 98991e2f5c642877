"""A task that changes the working directory moves nothing: files are where they were when the run began."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from selinon_cli.main import main
from selinon_core.local import LocalExecutor, LocalOptions
from selinon_core.project import compile_project
from selinon_core.schemas.check import ResultSchema
from tests.local.trying import names, node

TASKS = """
import os, shutil
from selinon_core import SelinonTask

class Unpack(SelinonTask):
    def run(self, node_args):
        os.makedirs("elsewhere", exist_ok=True)
        os.chdir("elsewhere")
        if node_args == "removed":
            shutil.rmtree(os.getcwd())
        return {"n": 1}

class Check(SelinonTask):
    def run(self, node_args):
        return {"n": self.parent_task_result("Unpack")["n"] + 1}

class Fails(SelinonTask):
    def run(self, node_args):
        raise ValueError("no")
"""
PROJECT = """
tasks:
- {name: Unpack, import: chdir_tasks, storage: Files}
- {name: Check, import: chdir_tasks, storage: Rows, output_schema: schemas/n.json}
- {name: Fails, import: chdir_tasks, output_schema: schemas/n.json}
storages:
- {name: Files, import: selinon_core.storages.filesystem, classname: Filesystem, configuration: {path: results}}
- name: Rows
  import: selinon_core.storages.sql
  classname: SqlStorage
  configuration: {connection_string: "sqlite:///results.db"}
flow-definitions:
- name: f
  edges: [{from: , to: Unpack}, {from: Unpack, to: Check}, {from: Check, to: Fails}]
  failures: [{nodes: Fails, fallback: true}]
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chdir_tasks.py").write_text(TASKS)
    (tmp_path / "flow.yaml").write_text(PROJECT)
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "n.json").write_text('{"properties": {"n": {"type": "integer"}}}')
    return tmp_path


@pytest.mark.parametrize("options", [{}, {"concurrency": 2}, {"pool": "process"}, {"storage": "real"}], ids=str)
@pytest.mark.parametrize("node_args", [None, "removed"])
def test_schemas_and_storages_stay_where_they_are(here: Path, options: dict[str, Any], node_args: Any) -> None:
    if options.get("storage") == "real":
        pytest.importorskip("sqlalchemy")
    plan = compile_project(["flow.yaml"]).plan
    assert plan is not None
    run = LocalExecutor(plan, LocalOptions(pythonpath=(str(here),), **options)).run("f", node_args)
    assert (run.status, names(run)) == ("success", ["Unpack", "Check", "Fails"]), run.report()
    assert node(run, "Fails")["error"]["message"] == "no"
    assert node(run, "Check")["result"] == {"n": 2}
    if options.get("storage") == "real":
        assert {path.name for path in here.iterdir()} >= {"results", "results.db"}
        assert not (here / "elsewhere" / "results").exists()


def test_a_schema_that_is_mocked_is_found_too(here: Path) -> None:
    from selinon_core.local import Mocks

    plan = compile_project(["flow.yaml"]).plan
    assert plan is not None
    mocks = Mocks.from_mapping({"Check": {}, "Fails": {"result": None}})
    run = LocalExecutor(plan, LocalOptions(pythonpath=(str(here),), mocks=mocks)).run("f")
    assert node(run, "Check")["result"] == {}


@pytest.mark.parametrize("node_args", ["null", '"removed"'])
def test_outputs_are_written_where_they_were_asked_for(here: Path, node_args: str) -> None:
    (here / "out").mkdir()
    words = ("run", "--local", "flow.yaml", "-a", node_args, "--report", "out/r.json", "--trace", "out/t.jsonl")
    assert main([*words, "--graph", "out/g.mmd"]) == 0
    assert {path.name for path in (here / "out").iterdir()} == {"r.json", "t.jsonl", "g.mmd"}
    assert json.loads((here / "out" / "r.json").read_text())["status"] == "success"


@pytest.mark.parametrize(
    ("url", "anchored"),
    [
        ("sqlite:///x.db", "sqlite:////here/x.db"),
        ("sqlite+pysqlite:///a/x.db?timeout=5", "sqlite+pysqlite:////here/a/x.db?timeout=5"),
        ("sqlite:////tmp/x.db", "sqlite:////tmp/x.db"),
        ("sqlite://", "sqlite://"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("postgresql://user@host/database", "postgresql://user@host/database"),
    ],
)
def test_which_databases_are_files(url: str, anchored: str) -> None:
    from selinon_core.storages.sql import SqlStorage

    found = SqlStorage.anchored({"connection_string": url, "echo": True}, "/here")
    assert found == {"connection_string": anchored, "echo": True}


def test_a_working_directory_that_is_gone_hides_no_schema(here: Path) -> None:
    gone = here / "gone"
    gone.mkdir()
    os.chdir(gone)
    shutil.rmtree(gone)
    assert ResultSchema.load("n.json", (str(here / "schemas"),), str(here)).schema["properties"]
