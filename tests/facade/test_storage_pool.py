"""``StoragePool`` on the class and on instances, and tasks that are built by hand."""

from __future__ import annotations

import sys
from typing import Any
from unittest import mock

import pytest

from selinon import (
    Config,
    ConfigNotInitializedError,
    NoParentNodeError,
    RequestError,
    SelinonTask,
    StorageError,
    StoragePool,
    UnknownStorageError,
)
from selinon_core.legacy.task_context import ProcessWideContext
from selinon_core.project import compile_data
from selinon_core.runtime.active_run import ActiveRun, RunEnvironment
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.storages import Storages

PROJECT: dict[str, Any] = {
    "tasks": [
        {"name": "Keep", "import": "tests.facade.test_storage_pool", "storage": "Memory"},
        {"name": "Other", "import": "tests.facade.test_storage_pool", "classname": "Keep"},
    ],
    "storages": [
        {
            "name": "Memory",
            "import": "selinon.storages.memory",
            "classname": "InMemoryStorage",
            "cache": {"name": "LRU", "configuration": {"max_cache_size": 10}},
        }
    ],
}
FLOWS = {"flow-definitions": [{"name": "all", "edges": [{"from": None, "to": ["Keep", "Other"]}]}]}


class Keep(SelinonTask):
    def run(self, node_args: Any) -> Any:
        return self.parent_task_result("Keep")


def by_hand(**parent: Any) -> Keep:
    return Keep(flow_name="all", task_name="Keep", parent=parent, task_id="2", dispatcher_id="0")


def test_results() -> None:
    Config.set_config_dict(PROJECT, [FLOWS])
    StoragePool.set({"a": 1}, "all", "Keep", "1", [1, 2])
    assert StoragePool.retrieve("all", "Keep", "1") == [1, 2]
    pool = StoragePool({"Keep": "1"}, "all")
    assert pool.get("Keep") == [1, 2]
    with pytest.raises(StorageError, match="there is Keep"):
        pool.get("Other")
    StoragePool(None, "all").delete("all", "Keep", "1")
    with pytest.raises(StorageError):
        StoragePool.retrieve("all", "Keep", "none")
    storage = StoragePool.get_connected_storage("Memory")
    assert StoragePool.get_storage_by_task_name("Keep") is storage
    assert StoragePool.get_storage_by_task_name("Other") is None
    assert StoragePool.get_storage_name_by_task_name("Keep") == "Memory"
    assert StoragePool.get_storage_name_by_task_name("Other", graceful=True) is None
    for asked in (
        lambda: StoragePool.get_storage_name_by_task_name("Other"),
        lambda: StoragePool.get_connected_storage("None"),
        lambda: StoragePool.retrieve("all", "Other", "1"),
    ):
        with pytest.raises(UnknownStorageError):
            asked()


def test_errors() -> None:
    Config.set_config_dict(PROJECT, [FLOWS])
    try:
        raise ValueError("no")
    except ValueError:
        told = sys.exc_info()
    assert StoragePool.set_error({}, "all", "Keep", "1", told)  # type: ignore[arg-type]
    assert not StoragePool.set_error({}, "all", "Other", "1", told)  # type: ignore[arg-type]
    storage: Any = StoragePool.get_connected_storage("Memory")
    assert storage.retrieve_error("all", "Keep", "1")["error"]["type"] == "ValueError"


def test_a_task_built_by_hand() -> None:
    with pytest.raises(ConfigNotInitializedError):
        by_hand(Keep="1").run({})
    Config.set_config_dict(PROJECT, [FLOWS])
    StoragePool.set({}, "all", "Keep", "1", {"x": 1})
    assert by_hand(Keep="1").run({}) == {"x": 1}
    assert by_hand().storage is StoragePool.get_connected_storage("Memory")
    with pytest.raises(NoParentNodeError):
        by_hand().run({})
    with pytest.raises(RequestError, match="did not raise"):
        by_hand(Keep="1").parent_task_exception("Keep")
    assert Keep("all", "Keep", None, None, None).parent == {}  # type: ignore[arg-type]


class Sum(SelinonTask):
    def run(self, node_args: Any) -> Any:
        return [self.parent_task_result("Keep"), self.parent_flow_result("sub", "Keep"), self.storage]


def test_what_a_test_puts_in_place_of_the_pool_is_what_a_task_built_by_hand_gets() -> None:
    task = Sum("all", "Sum", {"Keep": "1", "sub": {"Keep": ["2"]}}, "3", "0")
    with (
        mock.patch.object(StoragePool, "retrieve", side_effect=lambda *names: "-".join(names)),
        mock.patch("selinon.storage_pool.StoragePool.get_storage_by_task_name", return_value="none"),
    ):
        assert task.run({}) == ["all-Keep-1", "sub-Keep-2", "none"]


def test_a_pool_without_a_run_says_so_as_a_mapping_would() -> None:
    with pytest.raises(KeyError) as raised:
        StoragePool({"Keep": "1"}, "all").get("Other")
    assert str(raised.value) == 'no run of task "Other" here; there is Keep'


def test_the_run_that_is_going_on_comes_first() -> None:
    Config.set_config_dict(PROJECT, [FLOWS])
    plan = compile_data(PROJECT, FLOWS).plan
    assert plan is not None
    storages = Storages(plan, Imports(), lambda event, details: None)
    outside = StoragePool.get_connected_storage("Memory")
    with ActiveRun(RunEnvironment(ProcessWideContext(), storages, lambda event, details: None)):
        inside = StoragePool.get_connected_storage("Memory")
        assert by_hand().storage is inside
    assert inside is not outside
    assert StoragePool.get_connected_storage("Memory") is outside
