"""What ``run_flow`` publishes, and what it returns."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from celery.result import AsyncResult

from selinon import Config, Dispatcher, UnknownFlowError, run_flow, run_flow_selective
from selinon.run import run_flow as same_run_flow
from tests import services

TASKS = [{"name": name, "import": "tests.facade.tasks_by_hand", "classname": "Tell"} for name in "AB"]


@pytest.fixture
def app() -> Iterator[Celery]:
    name = services.private_name()
    app = Celery(name, broker="memory://", backend="cache+memory://", set_as_current=False)
    flow = {"name": "main", "queue": name, "edges": [{"from": None, "to": "A"}, {"from": "A", "to": "B"}]}
    Config.set_config_dict({"tasks": TASKS}, {"flow-definitions": [flow]})
    Config.set_celery_app(app)
    yield app
    app.close()


def published(app: Celery) -> list[dict[str, Any]]:
    """The messages waiting on the flow's queue: their headers and keyword arguments."""
    found = []
    with (
        app.connection_for_read() as connection,
        connection.SimpleQueue(Config.dispatcher_queues["main"]) as queue,
    ):
        while queue.qsize():
            message = queue.get()
            found.append({"task": message.headers["task"], "kwargs": message.payload[1]})
            message.ack()
    return found


def test_a_flow_is_asked_for(app: Celery) -> None:
    result = same_run_flow("main", {"a": 1})
    assert isinstance(result, AsyncResult)
    assert str(result) == result.id
    assert (result.status, result.state, result.ready()) == ("PENDING", "PENDING", False)
    (message,) = published(app)
    assert message["task"] == "selinon.Dispatcher"
    asked = {"action": "start", "flow": "main", "id": result.id, "args": {"a": 1}}
    assert {name: message["kwargs"][name] for name in asked} == asked


def test_the_result_is_read_as_celery_reads_it(app: Celery) -> None:
    result = run_flow("main")
    app.backend.store_result(result.id, {"finished_nodes": {"A": ["1"]}}, "SUCCESS")
    assert result.get(timeout=5) == {"finished_nodes": {"A": ["1"]}}
    assert result.successful()
    assert AsyncResult(result.id, app=app).result == result.result


def test_cancel(app: Celery) -> None:
    result = run_flow("main")
    result.cancel()
    start, cancel = published(app)
    assert start["kwargs"]["action"] == "start"
    assert cancel["kwargs"]["id"] == result.id
    assert cancel["kwargs"]["action"] != "start"


def test_selective(app: Celery) -> None:
    result = run_flow_selective("main", ["A"], {"a": 1}, follow_subflows=False, run_subsequent=False)
    (message,) = published(app)
    assert message["kwargs"]["id"] == result.id
    assert message["kwargs"]["selective"]


def test_the_name_of_the_dispatcher_starts_flows(app: Celery) -> None:
    results = [
        Dispatcher().apply_async(kwargs={"flow_name": "main", "node_args": 1}, queue="ignored"),
        Dispatcher().delay(flow_name="main", node_args=1),
        Dispatcher().delay("main", 1),
    ]
    assert [message["kwargs"]["id"] for message in published(app)] == [result.id for result in results]


def test_unknown_flows(app: Celery) -> None:
    with pytest.raises(UnknownFlowError, match='did you mean "main"'):
        run_flow("mian")
    assert published(app) == []


def test_the_id_survives_pickling(app: Celery) -> None:
    result = run_flow("main")
    function, arguments = result.__reduce__()[:2]
    assert function is AsyncResult
    assert pickle.loads(pickle.dumps(arguments[0])) == result.id
