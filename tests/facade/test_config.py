"""``Config``: files or dictionaries, with and without an app, in either order."""

from __future__ import annotations

import copy
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from selinon import (
    Config,
    ConfigNotInitializedError,
    ConfigurationError,
    SelinonTask,
    StoragePool,
    UnknownFlowError,
    run_flow,
    run_flow_selective,
)
from selinon.errors import RequestError, SelectiveNoPathError, UnsupportedCeleryError
from selinon.system import System
from selinon_core.errors import MissingExtraError
from selinon_core.legacy.state import STATE

NODES: dict[str, Any] = {
    "tasks": [
        {
            "name": "Fetch",
            "import": "tests.facade.tasks_by_hand",
            "storage": "Kept",
            "queue": "{FETCH_QUEUE}",
            "max_retry": 2,
            "retry_countdown": 30,
            "storage_task_name": "Fetched",
        },
        {
            "name": "Tell",
            "import": "tests.facade.tasks_by_hand",
            "storage": "Kept",
            "storage_readonly": True,
            "throttling": {"seconds": 5},
        },
        {"name": "Clean", "import": "tests.facade.tasks_by_hand", "classname": "Tell"},
    ],
    "flows": ["daily", "below"],
    "storages": [
        {
            "name": "Kept",
            "import": "selinon.storages.memory",
            "classname": "InMemoryStorage",
            "configuration": {"echo": False},
        }
    ],
    "global": {"default_task_queue": "work", "default_dispatcher_queue": "dispatch"},
}
FLOWS: dict[str, Any] = {
    "flow-definitions": [
        {
            "name": "daily",
            "max_retry": 1,
            "nowait": "Clean",
            "propagate_node_args": "below",
            "propagate_finished": True,
            "edges": [{"from": None, "to": ["Fetch", "Clean"]}, {"from": "Fetch", "to": "below"}],
        },
        {"name": "below", "queue": "deep", "edges": [{"from": [], "to": "Tell"}]},
    ]
}


@pytest.fixture(autouse=True)
def queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FETCH_QUEUE", "fetching")


@pytest.fixture
def app() -> Celery:
    return Celery("tested", broker="memory://", backend="cache+memory://", set_as_current=False)


def write(directory: Path) -> tuple[str, list[str]]:
    import yaml

    (directory / "nodes.yml").write_text(yaml.safe_dump(NODES))
    (directory / "flows.yml").write_text(yaml.safe_dump(FLOWS))
    return str(directory / "nodes.yml"), [str(directory / "flows.yml")]


def test_nothing_is_configured() -> None:
    assert not Config.initialized
    assert Config.flows == []
    assert Config.dispatcher_queues == {}
    for asked in (
        lambda: Config.is_flow("daily"),
        lambda: run_flow("daily"),
        lambda: StoragePool.get_connected_storage("Kept"),
        lambda: Config.should_propagate_parent("daily", "below"),
    ):
        with pytest.raises(ConfigNotInitializedError):
            asked()


def test_tables() -> None:
    Config.set_config_dict(NODES, [FLOWS])
    assert Config.initialized
    assert Config.flows == ["daily", "below"]
    assert Config.dispatcher_queues == {"daily": "dispatch", "below": "deep"}
    assert Config.task_queues == {"Fetch": "fetching", "Tell": "work", "Clean": "work"}
    assert Config.max_retry["Fetch"] == 2
    assert Config.max_retry["daily"] == 1
    assert Config.retry_countdown["Fetch"] == 30
    assert Config.task2storage_mapping == {"Fetch": "Kept", "Tell": "Kept", "Clean": None}
    assert Config.storage_task_name["Fetch"] == "Fetched"
    assert Config.storage_readonly == {"Fetch": False, "Tell": True, "Clean": False}
    assert Config.nowait_nodes == {"daily": ["Clean"], "below": []}
    assert Config.propagate_finished == {"daily": True, "below": False}
    assert Config.propagate_node_args == {"daily": ["below"], "below": False}
    assert Config.propagate_parent == Config.propagate_compound_finished == {"daily": False, "below": False}
    assert Config.throttle_tasks["Tell"] == timedelta(seconds=5)
    assert Config.throttle_flows == {"daily": None, "below": None}
    assert Config.is_flow("below")
    assert not Config.is_flow("Fetch")
    assert Config.is_task("Fetch")
    assert Config.has_readwrite_storage("Fetch")
    assert Config.has_readonly_storage("Tell")
    assert not Config.has_storage("Clean")
    assert Config.should_propagate_node_args("daily", "below")
    assert not Config.should_propagate_parent("daily", "below")
    assert issubclass(Config.task_classes["Clean"], SelinonTask)
    assert list(Config.task_classes) == ["Fetch", "Tell", "Clean"]
    assert Config.storage_mapping["Kept"] is StoragePool.get_storage_by_task_name("Tell")
    assert set(Config.storage_mapping) == {"Kept"}


def test_flows_are_in_the_order_in_which_they_are_listed() -> None:
    Config.set_config_dict({**NODES, "flows": ["below", "daily"]}, [FLOWS])
    assert Config.flows == list(Config.dispatcher_queues) == list(Config.nowait_nodes) == ["below", "daily"]
    system = System.from_dict({**NODES, "flows": ["below", "daily"]}, [FLOWS])
    assert [flow.name for flow in system.flows] == list(system.dispatcher_queue_names()) == ["below", "daily"]
    del Config.flows[0]  # a copy
    Config.set_config_dict({key: value for key, value in NODES.items() if key != "flows"}, [FLOWS])
    assert Config.flows == ["daily", "below"]


def test_dictionaries_are_not_changed_so_that_they_load_again() -> None:
    nodes, flows = copy.deepcopy(NODES), copy.deepcopy(FLOWS)
    for _ in range(2):
        Config.set_config_dict(nodes, [flows])
    assert (nodes, flows) == (NODES, FLOWS)


@pytest.mark.parametrize(
    "flows",
    [FLOWS, [FLOWS], (FLOWS,), [[FLOWS]], [[{"flow-definitions": [flow]} for flow in FLOWS["flow-definitions"]]]],
)
def test_flows_may_be_in_lists_of_lists(flows: Any) -> None:
    Config.set_config_dict(NODES, flows)
    assert Config.flows == ["daily", "below"]
    assert [flow.name for flow in System.from_dict(NODES, flows).flows] == ["daily", "below"]


@pytest.mark.parametrize("flows", ["abc", ["abc"], [None], [[1]], b"abc"])
def test_flows_that_are_something_else(flows: Any) -> None:
    with pytest.raises(ConfigurationError):
        Config.set_config_dict(NODES, flows)


def test_files_without_an_app(tmp_path: Path) -> None:
    nodes, flows = write(tmp_path)
    Config.set_config_yaml(nodes, flows, config_py=str(tmp_path / "config.py"), keep_config_py=True)
    assert Config.flows == ["daily", "below"]
    assert not (tmp_path / "config.py").exists()
    assert Config.celery_app is None
    Config.set_config_yaml(nodes, str(tmp_path))  # a directory, and one path instead of a list
    assert Config.flows == ["daily", "below"]


@pytest.mark.parametrize("app_first", [True, False])
def test_either_order(app: Celery, app_first: bool) -> None:
    steps = [lambda: Config.set_celery_app(app), lambda: Config.set_config_dict(NODES, [FLOWS])]
    for step in steps if app_first else reversed(steps):
        step()
    assert Config.celery_app is app
    assert {"selinon.Dispatcher", "selinon.SelinonTaskEnvelope"} <= set(app.tasks)
    assert run_flow("daily").flow_name == "daily"


def test_init(app: Celery, tmp_path: Path) -> None:
    Config.init(app, *write(tmp_path))
    assert (Config.celery_app, Config.flows) == (app, ["daily", "below"])


def test_a_second_configuration_replaces_the_first(app: Celery) -> None:
    Config.set_celery_app(app)
    Config.set_config_dict(NODES, [FLOWS])
    run_flow("daily")
    storage = StoragePool.get_connected_storage("Kept")
    other = copy.deepcopy(NODES)
    other["flows"] = ["below"]
    Config.set_config_dict(other, [{"flow-definitions": [FLOWS["flow-definitions"][1]]}])
    assert Config.flows == ["below"]
    assert StoragePool.get_connected_storage("Kept") is not storage
    with pytest.raises(UnknownFlowError):
        run_flow("daily")
    run_flow("below")


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    nodes, flows = write(tmp_path)
    path = tmp_path / "flows.yml"
    path.write_text(path.read_text().replace("from: Fetch", "from: Fecth").replace("to: Tell", "to: Tel"))
    with pytest.raises(ConfigurationError) as caught:
        Config.set_config_yaml(nodes, flows)
    assert 'did you mean "Fetch"' in str(caught.value)
    assert 'did you mean "Tell"' in str(caught.value)
    assert caught.value.diagnostics
    assert not Config.initialized
    with pytest.raises(FileNotFoundError):
        Config.set_config_yaml(str(tmp_path / "none.yml"), flows)


def test_generated_code_is_not_read() -> None:
    with pytest.raises(ConfigurationError, match="set_config_yaml"):
        Config.set_config_py("config.py")


def test_a_missing_variable_is_an_error_where_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FETCH_QUEUE")
    Config.set_config_dict(NODES, [FLOWS])
    assert Config.dispatcher_queues["below"] == "deep"
    with pytest.raises(ConfigurationError, match="FETCH_QUEUE"):
        _ = Config.task_queues


def test_attributes_are_read_only() -> None:
    with pytest.raises(AttributeError, match="set_config_dict"):
        Config.storage_mapping = {}  # type: ignore[misc]
    with pytest.raises(AttributeError, match="no attribute 'fows'"):
        _ = Config.fows


def test_task_instances() -> None:
    Config.set_config_dict(NODES, [FLOWS])
    task = Config.get_task_instance("Tell", "below", {"Fetch": "1"}, "2", "3")
    assert (task.task_name, task.flow_name, task.task_id) == ("Tell", "below", "2")
    assert task.storage is StoragePool.get_connected_storage("Kept")
    StoragePool.set({}, "below", "Fetch", "1", {"x": 1})
    assert task.parent_task_result("Fetch") == {"x": 1}


def test_selective(app: Celery) -> None:
    Config.set_celery_app(app)
    Config.set_config_dict(NODES, [FLOWS])
    assert run_flow_selective("daily", ["Fetch"], {"a": 1}).id
    with pytest.raises(SelectiveNoPathError):
        run_flow_selective("daily", ["Tell"], None)
    with pytest.raises(RequestError):
        run_flow("daily", {1, 2})


def test_the_current_app_serves_when_none_was_set(app: Celery) -> None:
    app.set_current()
    try:
        Config.set_config_dict(NODES, [FLOWS])
        run_flow("below")
        assert STATE.app is app
    finally:
        from celery._state import _tls

        _tls.current_app = None


def test_celery_has_to_be_there_and_new_enough(app: Celery, monkeypatch: pytest.MonkeyPatch) -> None:
    import celery

    Config.set_config_dict(NODES, [FLOWS])
    monkeypatch.setattr(celery, "VERSION", celery.VERSION._replace(major=5, minor=6))
    with pytest.raises(UnsupportedCeleryError, match=r"Celery 5\.6 is installed, 5\.7"):
        Config.set_celery_app(app)
    monkeypatch.setitem(sys.modules, "celery", None)
    with pytest.raises(MissingExtraError, match=r"selinon\[celery\]"):
        run_flow("daily")
    assert Config.celery_app is None


def test_system(tmp_path: Path) -> None:
    system = System.from_files(*write(tmp_path))
    assert system.task_queue_names()["Fetch"] == "fetching"
    assert system.dispatcher_queue_names() == {"daily": "dispatch", "below": "deep"}
    assert [flow.name for flow in system.flows] == ["daily", "below"]
    task = system.node_by_name("Fetch")
    assert task is not None
    assert task.queue == "{FETCH_QUEUE}"
    assert system.node_by_name("below") is system.flow_by_name("below")
    assert system.storage_by_name("None", graceful=True) is None
    with pytest.raises(ConfigurationError):
        system.task_by_name("None")
    assert system.plot_graph(str(tmp_path), "dot") == [str(tmp_path / "daily"), str(tmp_path / "below")]
    assert (tmp_path / "daily.dot").read_bytes().startswith(b"digraph")
    with pytest.raises(ConfigurationError):
        System.from_dict(NODES, [{"flow-definitions": []}])


def test_apps_may_be_set_in_turn() -> None:
    from celery import Celery

    apps = [Celery(name, broker="memory://", set_as_current=False) for name in ("first", "second")]
    Config.set_config_dict(NODES, [FLOWS])
    for app in (*apps, *apps):
        Config.set_celery_app(app)
        assert Config.celery_app is app
