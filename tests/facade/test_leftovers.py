"""Classes that workers do not call: they are read, wrapped and assigned to without harm, and never in silence."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from celery import Celery

from selinon import (
    Config,
    ConfigurationError,
    Dispatcher,
    FlowError,
    RequestError,
    SelinonTaskEnvelope,
    Storage,
    StoragePool,
    SystemState,
    Trace,
    run_flow,
)
from selinon.executor import Executor
from selinon.system import System
from selinon_core.errors import SchemaMismatchError
from selinon_core.legacy.celery_tasks import FlowStart
from selinon_core.legacy.not_called import NotCalled
from tests.facade import original_names as original

NODES: dict[str, Any] = {"tasks": [{"name": "Tell", "import": "tests.facade.tasks_by_hand"}]}
FLOWS: dict[str, Any] = {"flow-definitions": [{"name": "daily", "edges": [{"from": None, "to": "Tell"}]}]}

TASKS = [Dispatcher, SelinonTaskEnvelope]
NOT_CALLED = [*TASKS, SystemState]


@pytest.fixture(autouse=True)
def not_warned() -> Iterator[None]:
    """Every test is the first one to assign, and what it assigns is forgotten."""
    before = {kind: dict(vars(kind)) for kind in NOT_CALLED}
    NotCalled._warned.clear()
    yield
    NotCalled._warned.clear()
    for kind, names in before.items():
        for name in set(vars(kind)) - set(names):
            delattr(kind, name)
        for name, value in names.items():
            if vars(kind)[name] is not value:
                type.__setattr__(kind, name, value)


@pytest.fixture
def app() -> Celery:
    app = Celery("tested", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.update(selinon_state_url="memory://")
    Config.set_celery_app(app)
    Config.set_config_dict(NODES, [FLOWS])
    return app


@pytest.mark.parametrize("kind", TASKS)
def test_assigning_to_what_is_not_called_warns_once(kind: Any) -> None:
    with pytest.warns(UserWarning, match=f"{kind.__name__}.soft_time_limit.*do not call.*`timeout`"):
        kind.soft_time_limit = 60
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kind.soft_time_limit = 90
    assert kind.soft_time_limit == 90


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        *((Dispatcher, name) for name in (*original.DISPATCHER_METHODS, *original.CELERY_TASK_METHODS)),
        *((SelinonTaskEnvelope, name) for name in (*original.ENVELOPE_METHODS, *original.CELERY_TASK_METHODS)),
        *((SystemState, name) for name in original.SYSTEM_STATE_METHODS),
    ],
)
def test_every_method_can_be_wrapped(kind: Any, method: str) -> None:
    wrapped = getattr(kind, method)
    calls: list[str] = []

    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(method)
        return wrapped(self, *args, **kwargs)

    if method.startswith("__"):  # of the class itself, which does not warn
        setattr(kind, method, wrapper)
    else:
        with pytest.warns(UserWarning, match=f"{kind.__name__}.{method} = ... has no effect"):
            setattr(kind, method, wrapper)
    assert getattr(kind, method) is wrapper
    assert calls == []


def test_a_deadline_wrapped_around_migrate_message_can_be_called_as_its_tests_do() -> None:
    migrate_message: Any = Dispatcher.migrate_message

    def wrapper(self: Any, flow_info: Any) -> None:
        migrate_message(self, flow_info)
        if flow_info["node_args"]["hours"] > 24:
            raise self.retry(max_retries=0, exc=TimeoutError("too old"))

    with pytest.warns(UserWarning, match="has no effect"):
        Dispatcher.migrate_message = wrapper  # type: ignore[method-assign,assignment]
    Dispatcher().migrate_message({"node_args": {"hours": 1}})
    with pytest.raises(TimeoutError, match="too old"):
        Dispatcher().migrate_message({"node_args": {"hours": 25}})


@pytest.mark.parametrize("kind", TASKS)
def test_what_celery_calls_around_a_run_does_nothing(kind: Any) -> None:
    task = kind()
    assert task.on_failure(ValueError(), "id", (), {}, None) is None
    assert task.after_return("SUCCESS", None, "id", (), {}, None) is None
    assert task.update_state(state="PROGRESS") is None
    assert (task.request.id, task.request.retries, task.request.called_directly) == (None, 0, True)


@pytest.mark.parametrize("kind", TASKS)
def test_attributes_of_a_celery_task(app: Celery, kind: Any) -> None:
    task = kind()
    missing = [name for name in original.CELERY_TASK_ATTRIBUTES if not hasattr(task, name)]
    assert missing == []
    assert task.app is app
    assert task.AsyncResult("a").id == "a"


@pytest.mark.parametrize("kind", TASKS)
def test_calling_one_says_what_to_call(kind: Any) -> None:
    task = kind()
    for call in (task, task.run, task.apply, task.retry):
        with pytest.raises(RequestError, match="run_flow"):
            call()
    with pytest.raises(RequestError, match="max_retry"):
        task.selinon_retry({})
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        with pytest.raises(ZeroDivisionError):
            task.retry()


def test_a_failed_flow_is_told_by_its_state() -> None:
    with pytest.raises(FlowError) as raised:
        Dispatcher().flow_failure({"failed_nodes": {"A": ["1"]}, "waiting_edges": [0]})
    assert raised.value.state == {"finished_nodes": {}, "failed_nodes": {"A": ["1"]}, "active_nodes": []}
    with pytest.raises(FlowError):
        Dispatcher().flow_failure(None)


def test_names_of_the_tasks(app: Celery) -> None:
    assert {Dispatcher.name, SelinonTaskEnvelope.name} <= set(app.tasks)


def test_the_dispatcher_starts_flows_only() -> None:
    with pytest.raises(RequestError, match="not state"):
        Dispatcher().apply_async(kwargs={"flow_name": "a", "state": {"waiting_edges": []}})
    with pytest.raises(RequestError, match="without flow_name"):
        Dispatcher().delay()
    for start in (SelinonTaskEnvelope().apply_async, SelinonTaskEnvelope().delay, SelinonTaskEnvelope().s):
        with pytest.raises(RequestError, match="which starts its tasks"):
            start()


@pytest.mark.parametrize(
    "start",
    [
        lambda: run_flow("daily", {"a": 1}),
        lambda: Dispatcher().apply_async(kwargs={"flow_name": "daily", "node_args": {"a": 1}}, queue="any"),
        lambda: Dispatcher().delay("daily", {"a": 1}),
        lambda: Dispatcher().s("daily").delay({"a": 1}),
        lambda: Dispatcher().si(flow_name="daily", node_args={"a": 1}).apply_async(),
        lambda: Dispatcher().signature(("daily",), {"node_args": {"a": 1}}).apply_async(countdown=1),
        lambda: Dispatcher().subtask(("daily", {"a": 1})).delay(),
    ],
)
def test_every_way_to_start_a_flow(app: Celery, start: Any) -> None:
    with mock.patch("selinon_core.legacy.run.run_flow", wraps=run_flow) as started:
        assert start().flow_name == "daily"
    assert [call.args for call in started.mock_calls] in ([], [("daily", {"a": 1})])


def test_a_start_can_be_made_more_than_once(app: Celery) -> None:
    start = Dispatcher().s("daily")
    assert isinstance(start, FlowStart)
    assert start.delay().id != start.delay().id


def test_a_result_is_checked_against_its_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "number.json").write_text(json.dumps({"type": "number"}))
    monkeypatch.chdir(tmp_path)
    task = {**NODES["tasks"][0], "output_schema": "number.json"}
    Config.set_config_dict({"tasks": [task]}, [FLOWS])
    SelinonTaskEnvelope.validate_result("Tell", 1)
    SelinonTaskEnvelope.validate_result("Unknown", "1")
    with pytest.raises(SchemaMismatchError):
        SelinonTaskEnvelope().validate_result("Tell", "1")


def test_a_state_cannot_be_built() -> None:
    with pytest.raises(RequestError, match="selinon status"):
        SystemState("id", "flow")


# -- methods that the project calls, and workers called once ----------------------------------------------------


def replaced(kind: Any, method: str) -> Any:
    return mock.patch.object(kind, method, mock.Mock())


def executor(directory: Path) -> Executor:
    path = directory / "nodes.yml"
    path.write_text(json.dumps({**NODES, **FLOWS}))
    return Executor(str(path), [str(path)], show_progressbar=False)


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        (Config, "get_task_instance"),
        (Config, "is_flow"),
        (StoragePool, "get_connected_storage"),
        (StoragePool, "set"),
        (Trace, "log"),
    ],
)
def test_a_replaced_method_that_a_run_would_have_called_is_reported(
    tmp_path: Path, kind: Any, method: str
) -> None:
    executing = executor(tmp_path)
    with (
        replaced(kind, method),
        pytest.warns(UserWarning, match=f"^{kind.__name__}.{method} was replaced") as warned,
    ):
        executing.run("daily")
    assert len(warned) == 1
    executing.run("daily")  # the method is the original one again: no warning


def test_a_worker_tells_of_a_replaced_method_once(app: Celery) -> None:
    from selinon_core.legacy.state import STATE

    with replaced(StoragePool, "retrieve"), pytest.warns(UserWarning, match="retrieve was replaced") as warned:
        assert STATE.adapter.services is STATE.adapter.services
    assert len(warned) == 1


@pytest.mark.parametrize("method", original.CONFIG_METHODS)
def test_methods_of_config_can_be_wrapped(method: str) -> None:
    with replaced(Config, method) as wrapper:
        getattr(Config, method)("a")
        wrapper.assert_called_once_with("a")


def test_a_project_may_keep_something_at_config() -> None:
    Config.of_our_own = 1
    assert Config.of_our_own == 1
    del Config.of_our_own
    with pytest.raises(AttributeError, match="edge_table cannot be assigned"):
        Config.edge_table = {}


# -- configurations as objects ----------------------------------------------------------------------------------


def test_a_storage_as_described() -> None:
    storage = Storage.from_dict({"name": "A", "import": "m", "configuration": {"x": 1}, "classname": "B"})
    assert (storage.name, storage.import_path, storage.class_name) == ("A", "m", "B")
    assert storage.configuration == {"x": 1}
    with pytest.raises(ConfigurationError):
        Storage.from_dict({"name": "A"})
    assert Storage("A", "m", None).class_name == "A"


def test_a_system_generates_no_code(tmp_path: Path) -> None:
    system = System.from_dict(NODES, [FLOWS])
    for dump in (lambda: system.dump2file(tmp_path / "config.py"), lambda: system.dump2stream(mock.Mock())):
        with pytest.raises(ConfigurationError, match="inspect --dump"):
            dump()
