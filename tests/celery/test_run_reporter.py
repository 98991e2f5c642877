"""What workers put into the trace about questions, as a local run does."""

from __future__ import annotations

import json
from typing import Any

import pytest
import scripted

from selinon_core.errors import StorageError
from selinon_core.local import LocalExecutor, LocalOptions
from selinon_core.simulating.world import World
from tests.celery.changed_flows import plan_of

NODES: dict[str, Any] = {"tasks": [{"name": name, "import": "scripted", "classname": "Scripted"} for name in "AB"]}


def no_items(*_: Any) -> Any:
    raise ValueError("no items today")


def away(*_: Any) -> Any:
    raise StorageError("it is away")


def events_of(function: str, deferrals: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Failed questions in the trace of a worker and of a local run, without what differs by nature."""
    scripted.set_up({"tasks": {}, "foreach": {}, "parentless": []})
    foreach = {"foreach": {"import": __name__, "function": function}}
    flow = {"name": "f", "edges": [{"from": None, "to": "A"}, {"from": "A", "to": "B", **foreach}]}
    plan = plan_of({**NODES, "global": {}}, [flow])
    told: list[tuple[str, Any]] = []
    world = World(plan, workers=1, selinon_max_deferrals=deferrals)
    world.workers[0].tracer.add(lambda event, details: told.append((event, dict(details))))
    world.start("f")
    world.work()
    local = LocalExecutor(plan, LocalOptions(storage="real")).run("f")
    return _failures(told), _failures([(event["event"], event) for event in local.trace()])


def _failures(events: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    found = [
        json.loads(json.dumps(details, default=str)) for event, details in events if event == "DISPATCHER_FAILURE"
    ]
    return [
        {key: value for key, value in each.items() if key not in ("dispatcher_id", "event", "time")}
        for each in found
    ]


def test_a_question_that_fails_is_in_the_trace_of_a_worker() -> None:
    on_worker, locally = events_of("no_items", 3)
    assert on_worker == locally
    assert len(on_worker) == 1
    assert on_worker[0]["nodes_to"] == ["B"]
    assert "edge A -> B at" in on_worker[0]["what"]


def test_a_question_that_is_given_up_names_its_edge_and_place() -> None:
    on_worker, _ = events_of("away", 2)
    assert len(on_worker) == 1
    assert "edge A -> B at" in on_worker[0]["what"]
    assert "a storage could not be read 2 times in a row: it is away" in on_worker[0]["what"]


@pytest.mark.parametrize("countdown", [0, 3])
@pytest.mark.parametrize("flow", ["f", "outer"])
def test_each_attempt_of_a_flow_starts_in_the_trace_of_a_worker(flow: str, countdown: int) -> None:
    failing = {"A": {"failure": {"kind": "error", "per": "attempt", "times": 99}}}
    flows = [
        {
            "name": "f",
            "max_retry": 2,
            "retry_countdown": countdown,
            "edges": [{"from": None, "to": "A"}],
        },
        {"name": "outer", "edges": [{"from": None, "to": "f"}]},
    ]
    plan = plan_of({**NODES, "flows": ["f", "outer"], "global": {}}, flows)
    scripted.set_up({"tasks": failing, "foreach": {}, "parentless": []})
    on_worker: list[tuple[str, Any]] = []
    world = World(plan, workers=1)
    world.workers[0].tracer.add(lambda event, details: on_worker.append((event, dict(details))))
    world.start(flow, {"n": 1})
    world.work()
    scripted.set_up({"tasks": failing, "foreach": {}, "parentless": []})
    local = LocalExecutor(plan, LocalOptions(storage="real")).run(flow, {"n": 1})
    expected = _attempts([(event["event"], event) for event in local.trace()])
    assert [event for event, *_ in expected].count("FLOW_START") == 3
    assert _attempts(on_worker) == expected


def _attempts(events: list[tuple[str, Any]]) -> list[tuple[Any, ...]]:
    """What the trace has about the attempts of ``f``."""
    return [
        (event, details["flow_name"], details["node_args"], details.get("selective"))
        for event, details in events
        if event in ("FLOW_START", "FLOW_RETRY", "FLOW_FAILURE") and details["flow_name"] == "f"
    ]
