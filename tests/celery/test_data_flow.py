"""Arguments, inputs and outputs on workers, in a simulated world: the same as locally, and the same each time."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from selinon_core.celery import Selinon
from selinon_core.celery.reporting.run_history import history
from selinon_core.celery.reporting.run_status import describe
from selinon_core.errors import ArgumentError, StorageError
from selinon_core.local import LocalExecutor
from selinon_core.plan import Plan
from selinon_core.project import compile_project
from selinon_core.runtime.templates import INLINE
from selinon_core.simulating.world import World
from tests.celery.data_flow_project import SCHEMA, TASKS, project


class Place:
    """The project in a directory."""

    def __init__(self, directory: Path) -> None:
        self.module = f"tasks_of_{directory.name}".replace("-", "_")
        self.directory = directory
        (directory / f"{self.module}.py").write_text(TASKS)
        (directory / "order.json").write_text(SCHEMA)
        (directory / "project.yaml").write_text(project(self.module))

    def plan(self, text: str | None = None) -> Plan:
        if text is not None:
            (self.directory / "project.yaml").write_text(text)
        found = compile_project([self.directory / "project.yaml"])
        assert found.plan is not None, [str(one) for one in found.diagnostics]
        return found.plan

    def ran(self) -> list[tuple[str, int, Any]]:
        lines = (self.directory / "ran.txt").read_text().splitlines()
        return [(name, attempt, args) for name, attempt, args in map(json.loads, lines)]

    def args(self, task: str) -> list[Any]:
        return [args for name, _, args in self.ran() if name == task]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    return Place(tmp_path)


def run(world: World, flow: str, args: Any = None) -> tuple[str, str, Any]:
    id = world.start(flow, args)
    world.work()
    return (id, *world.results[id])


SHELVES = ["shelf of the lamp", "shelf of the rug", "shelf of the vase"]


@pytest.mark.parametrize("seed", range(8))
def test_the_order_is_shipped_whatever_happens_to_messages_and_workers(place: Place, seed: int) -> None:
    world = World(place.plan(), workers=3, seed=seed, shuffle=True, crash=0.02, duplicate=0.1, lose=0.1)
    _, status, state = run(world, "order", {"number": 2})
    assert (status, state["output"]) == ("success", {"parcel": f"2 with {', '.join(SHELVES)}"})
    charged = {"number": 2, "amount": 12.5, "text": "order 2 (eu)", "currency": "EUR"}
    assert all(args == charged for args in place.args("Charge"))
    assert {"number": 2, "shelves": SHELVES} in place.args("Ship")


def test_defaults_are_filled_in_where_the_run_begins(place: Place) -> None:
    world = World(place.plan())
    assert run(world, "order")[1:][1]["output"] == {"parcel": f"7 with {', '.join(SHELVES)}"}


def test_what_does_not_fit_ends_the_run_without_retries(place: Place) -> None:
    world = World(place.plan())
    id, status, _ = run(world, "order", {"number": "secret"})
    assert status == "failure"
    services = world.workers[0]
    described = describe(world.store, services.flow_versions, id)
    assert described["reason"].endswith("do not fit its input_schema: at $.number: is text, not an integer")
    assert (described["attempt"], described["nodes"]) == (1, [])


def test_a_fallback_is_told_why(place: Place) -> None:
    world = World(place.plan())
    _, status, state = run(world, "order", {"number": 13})
    assert (status, "output" in state) == ("failure", False)
    (args,) = place.args("ReleaseItems")
    assert args["because"] == "the card is refused"
    assert [line["item"] for line in args["lines"]] == ["lamp", "rug", "vase"]


def test_a_cheap_order_goes_the_other_way(place: Place) -> None:
    world = World(place.plan())
    assert run(world, "order", {"number": 1})[1] == "success"
    assert place.args("Charge") == []


def test_the_driver_decides_what_a_local_run_decides(place: Place) -> None:
    world = World(place.plan())
    for number in (1, 2, 7, 13):
        _, status, state = run(world, "order", {"number": number})
        local = LocalExecutor(place.plan()).run("order", {"number": number})
        assert (status, state.get("output")) == (local.status, local.output)


class TestReferences:
    #: characters of padding that make the lines larger than what travels
    LARGE = INLINE

    @pytest.mark.parametrize("inline", [0, 1000])
    def test_large_values_stay_where_they_are_stored(self, place: Place, inline: int) -> None:
        world = World(place.plan(), selinon_inline_count=inline)
        id, status, _ = run(world, "order", {"number": 13, "padding": self.LARGE})
        assert status == "failure"
        (args,) = place.args("ReleaseItems")
        assert [len(line["padding"]) for line in args["lines"]] == [self.LARGE] * 3
        log = "".join(world.store.read(id)[1])  # type: ignore[index]
        assert '{"$ref":["order","LoadOrder",' in log
        assert "x" * 100 not in log
        starts = [
            m.kwargs for m in world.broker.sent if m.kwargs.get("flow") == "reserve" and "action" in m.kwargs
        ]
        assert [(start["v"], start["refers"]) for start in starts] == [(2, True)]
        assert all("x" * 100 not in json.dumps(start) for start in starts)

    def test_a_result_that_is_gone_fails_the_node_without_an_attempt_of_it(self, place: Place) -> None:
        text = project(place.module).replace("args: {lines: ", "args: {all: ")
        world = World(place.plan(text), selinon_inline_count=0)
        id = world.start("order", {"number": 13, "padding": self.LARGE})
        storages = world.workers[0].storages
        while not any(m.kwargs.get("task") == "ReleaseItems" for m in world.broker.sent):
            assert world.step()
        database = storages.connected("Results").database  # type: ignore[attr-defined]
        (loaded,) = [key for key, record in database.items() if record["task_name"] == "LoadOrder"]
        del database[loaded]
        world.work()
        described = describe(world.store, world.workers[0].flow_versions, id)
        (release,) = [node for node in described["nodes"] if node["name"] == "ReleaseItems"]
        assert release["status"] == "failure"
        assert release["error"]["type"] == "ArgumentError"
        assert "is gone" in release["error"]["message"]
        assert place.args("ReleaseItems") == []

    @pytest.mark.parametrize("readings", [1, 2])
    def test_a_storage_that_is_away_defers_arguments_as_often_as_the_setting_says(
        self, place: Place, readings: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world = World(place.plan(), workers=1, selinon_max_deferrals=2, selinon_inline_count=0)
        storage = world.workers[0].storages.connected("Results")
        retrieve, failed = storage.retrieve, []

        def away(flow_name: str, task_name: str, task_id: str) -> Any:
            if task_name == "Charge" or len(failed) == readings:
                return retrieve(flow_name, task_name, task_id)
            failed.append(task_name)
            raise StorageError("it is away")

        monkeypatch.setattr(storage, "retrieve", away)
        told: list[Any] = []
        world.workers[0].tracer.add(lambda event, details: told.append((event, dict(details))))
        _, status, _ = run(world, "order", {"number": 7})
        assert len(failed) == readings
        if readings == 1:
            assert status == "success"
            return
        (given_up,) = [details["what"] for event, details in told if event == "DISPATCHER_FAILURE"]
        assert status == "failure"
        assert "edge LoadOrder -> reserve" in given_up  # it has no condition: its arguments read the storage
        assert "a storage could not be read 2 times in a row" in given_up

    def test_computed_values_have_a_limit(self, place: Place) -> None:
        text = project(place.module).replace(
            "lines: ${LoadOrder.lines}", 'lines: "${[one for one in LoadOrder.lines]}"'
        )
        world = World(place.plan(text), selinon_max_args_bytes=10_000)
        id, status, _ = run(world, "order", {"number": 7, "padding": self.LARGE})
        assert status == "failure"
        described = describe(world.store, world.workers[0].flow_versions, id)
        (reserve,) = [node for node in described["nodes"] if node["name"] == "reserve"]
        assert "selinon_max_args_bytes is 10000" in reserve["error"]["message"]

    def test_large_outputs_reach_the_caller_as_values(self, place: Place) -> None:
        text = project(place.module).replace("parcel: ${Ship.parcel}", "lines: ${LoadOrder.lines}")
        world = World(place.plan(text))
        _, status, state = run(world, "order", {"number": 7, "padding": self.LARGE})
        assert status == "success"
        assert [len(line["padding"]) for line in state["output"]["lines"]] == [self.LARGE] * 3


class TestReports:
    def test_the_history_has_arguments_and_what_conditions_saw(self, place: Place) -> None:
        world = World(place.plan())
        id, _, _ = run(world, "order", {"number": 2})
        services = world.workers[0]
        events = history(services.plan, world.store, services.flow_versions, id)
        (false,) = [event for event in events if event["event"] == "EDGE_COND_FALSE"]
        assert false["condition"]["saw"] == {"LoadOrder.total": 12.5, "vars.free_below": 0.5}
        given = {tuple(event["nodes_to"]): event for event in events if event["event"] == "NODE_ARGS"}
        assert given["Charge",]["args"]["amount"] == 12.5
        assert given["Charge",]["args_from"]["amount"] == "LoadOrder.total"

    def test_what_conditions_saw_is_not_kept_where_that_is_not_wanted(self, place: Place) -> None:
        world = World(place.plan(), selinon_keep_seen=False)
        id, _, _ = run(world, "order", {"number": 2})
        services = world.workers[0]
        events = history(services.plan, world.store, services.flow_versions, id)
        (false,) = [event for event in events if event["event"] == "EDGE_COND_FALSE"]
        assert false["condition"] == {"expr": "LoadOrder.total <= vars.free_below", "value": False}

    def test_the_status_has_arguments_and_outputs(self, place: Place) -> None:
        world = World(place.plan())
        id, _, _ = run(world, "order", {"number": 2})
        described = describe(world.store, world.workers[0].flow_versions, id)
        assert described["output"] == {"parcel": f"2 with {', '.join(SHELVES)}"}
        nodes = {node["name"]: node for node in described["nodes"]}
        assert nodes["Charge"]["node_args"]["amount"] == 12.5
        assert nodes["Charge"]["args_from"]["amount"] == "LoadOrder.total"
        assert nodes["reserve"]["run"]["output"] == {"shelves": SHELVES}


def test_a_wrong_call_is_refused_before_anything_is_sent(place: Place) -> None:
    from celery import Celery

    app = Celery("caller", broker="memory://", set_as_current=False)
    selinon = Selinon(app, plan=place.plan())
    with app.connection_for_read() as connection:
        connection.SimpleQueue("celery").clear()  # all tests of a process share the broker in memory
        with pytest.raises(ArgumentError, match="the arguments of flow order do not fit"):
            selinon.run_flow("order", {"number": "secret"})
        assert connection.default_channel.basic_get("celery") is None
