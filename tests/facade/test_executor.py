"""``Executor`` runs in this process on the storages of the process."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from selinon import Config, FatalTaskError, SelinonTask, StoragePool, UnknownFlowError
from selinon.errors import ConfigurationError, SelectiveNoPathError
from selinon.executor import Executor

NODES = """
tasks:
  - {name: Make, import: tests.facade.test_executor, storage: Memory}
  - {name: Use, import: tests.facade.test_executor}
  - {name: Wait, import: tests.facade.test_executor, max_retry: 3, retry_countdown: 3600}
storages:
  - {name: Memory, import: selinon.storages.memory, classname: InMemoryStorage}
"""
FLOWS = """
flow-definitions:
  - name: make
    edges:
      - {from: , to: Make}
      - {from: Make, to: Use}
  - name: wait
    edges:
      - {from: , to: Wait}
"""


class Make(SelinonTask):
    def run(self, node_args: Any) -> Any:
        if node_args == "fail":
            raise FatalTaskError("as told")
        return {"made": node_args}


class Use(SelinonTask):
    def run(self, node_args: Any) -> None:
        assert self.parent_task_result("Make") == {"made": node_args}
        assert StoragePool.retrieve(self.flow_name, "Make", self.parent["Make"]) == {"made": node_args}
        by_hand = Use(self.flow_name, self.task_name, {"Make": self.parent["Make"]}, "x", self.dispatcher_id)
        assert by_hand.parent_task_result("Make") == {"made": node_args}


class Wait(SelinonTask):
    def run(self, node_args: Any) -> None:
        assert self.attempt == 4


@pytest.fixture
def executor(tmp_path: Path) -> Executor:
    (tmp_path / "nodes.yaml").write_text(NODES)
    (tmp_path / "flows.yaml").write_text(FLOWS)
    return Executor(
        str(tmp_path / "nodes.yaml"),
        [str(tmp_path / "flows.yaml")],
        concurrency=1,
        sleep_time=0,
        config_py=str(tmp_path / "config.py"),
        keep_config_py=True,
        show_progressbar=False,
    )


def test_results_stay_in_the_storages_of_the_process(executor: Executor) -> None:
    storage = StoragePool.get_connected_storage("Memory")
    run = executor.run("make", 5)
    (id,) = run.result["finished_nodes"]["Make"]
    assert StoragePool.retrieve("make", "Make", id) == {"made": 5}
    assert StoragePool.get_connected_storage("Memory") is storage
    assert executor.run("make", 6).id != run.id
    assert len(storage.database) == 2  # type: ignore[attr-defined]


def test_a_failure_is_logged_and_no_exception(executor: Executor, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    assert executor.run("make", "fail").status == "failure"
    assert "FatalTaskError: as told" in caplog.text
    assert "flow make failed" in caplog.text


def test_waits_are_jumped_over(executor: Executor) -> None:
    run = executor.run("wait")
    assert (run.status, run.virtual_seconds) == ("success", 3 * 3600)


def test_selective(executor: Executor) -> None:
    run = executor.run_flow_selective("make", ["Make"], 1)
    assert set(run.result["finished_nodes"]) == {"Make"}
    run = executor.run_flow_selective("make", ["Make"], 1, run_subsequent=True)
    assert set(run.result["finished_nodes"]) == {"Make", "Use"}
    with pytest.raises(SelectiveNoPathError):
        executor.run_flow_selective("wait", ["Make"])
    with pytest.raises(UnknownFlowError):
        executor.run("mkae")


def test_each_executor_runs_its_own_project(executor: Executor, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(NODES + FLOWS.replace("name: make", "name: other"))
    other = Executor(str(tmp_path / "other.yaml"), [])
    assert Config.flows == ["other", "wait"]
    assert executor.run("make", 1).status == "success"
    assert Config.flows == ["make", "wait"]
    assert other.run("other", 1).status == "success"


def test_tasks_at_once(tmp_path: Path, executor: Executor) -> None:
    at_once = Executor(str(tmp_path / "nodes.yaml"), str(tmp_path / "flows.yaml"), concurrency=4)
    assert at_once.run("make", 2).status == "success"


def test_mistakes(tmp_path: Path) -> None:
    (tmp_path / "nodes.yaml").write_text(NODES + FLOWS.replace("to: Use", "to: Usse"))
    with pytest.raises(ConfigurationError, match='did you mean "Use"'):
        Executor(str(tmp_path / "nodes.yaml"), [])
