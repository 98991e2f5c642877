"""What tasks on workers log and print, and how far they say they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from selinon_cli.render.run_tree import run_tree
from selinon_core import progress
from selinon_core.celery.reporting.node_output import logs_of, progress_of
from selinon_core.celery.reporting.run_status import describe
from selinon_core.celery.stores.items import PROGRESS
from selinon_core.celery.worker.index_upkeep import IndexUpkeep
from selinon_core.errors import StateStoreError, StateStoreRefused
from selinon_core.plan import Plan
from selinon_core.project import compile_text
from selinon_core.simulating.world import World
from tests.celery import telling_tasks

PROJECT = """
tasks:
  - {name: Tell, import: tests.celery.telling_tasks, classname: Telling, max_retry: 1}
  - {name: Count, import: tests.celery.telling_tasks, classname: Counting}
  - {name: Typed, import: tests.celery.telling_tasks, classname: Typed}
  - {name: Wrong, import: tests.celery.telling_tasks, classname: Wrong}
flow-definitions:
  - {name: tell, edges: [{from: , to: Tell}], propagate_node_args: true}
  - {name: count, edges: [{from: , to: Count}]}
  - {name: typed, edges: [{from: , to: Typed}]}
  - {name: wrong, edges: [{from: , to: Wrong}]}
global: {redact: [number]}
"""


@pytest.fixture(autouse=True)
def nothing_between() -> Iterator[None]:
    yield
    telling_tasks.BETWEEN.clear()


def project() -> Plan:
    compiled = compile_text({"p.yaml": PROJECT})
    assert compiled.plan is not None, compiled.diagnostics
    return compiled.plan


ARGS = {"card": {"number": "4111-1111"}}


def texts(entry: dict[str, Any]) -> list[tuple[str, str]]:
    return [(line["level"], line["text"]) for line in entry["lines"]]


def test_what_a_task_logs_and_prints_is_kept_without_secrets(capfd: pytest.CaptureFixture[str]) -> None:
    world = World(project(), selinon_log_lines=100)
    id = world.start("tell", ARGS)
    world.work()
    (entry,) = logs_of(world.store, id)
    assert texts(entry) == [
        ("WARNING", "card *** is used"),
        ("ERROR", "two"),
        ("ERROR", "lines"),
        ("PRINT", "printed in parts"),
        ("PRINT", "without end"),
    ]
    assert (entry["node"], entry["attempt"], entry["dropped"]) == ("Tell", 1, 0)
    assert "printed in parts" in capfd.readouterr().out  # it is passed on as before


def test_nothing_is_kept_unless_it_is_asked_for() -> None:
    world = World(project())
    id = world.start("tell", ARGS)
    world.work()
    assert logs_of(world.store, id) == []


def test_each_attempt_has_its_lines_and_the_newest_are_kept() -> None:
    world = World(project(), selinon_log_lines=3)
    id = world.start("tell", {**ARGS, "fail": True, "lines": 9})
    world.work()
    entries = logs_of(world.store, id)
    assert [entry["attempt"] for entry in entries] == [1, 2]
    for entry in entries:
        assert texts(entry)[-2:] == [("ERROR", "line 8"), ("PRINT", "without end")]
        assert len(entry["lines"]) == 3
        assert entry["dropped"] == 5 + 9 - 3


def test_the_size_of_what_is_kept_is_bounded() -> None:
    world = World(project(), selinon_log_lines=10_000, selinon_log_bytes=100)
    id = world.start("tell", {**ARGS, "lines": 200})
    world.work()
    (entry,) = logs_of(world.store, id)
    assert sum(len(line["text"]) for line in entry["lines"]) <= 100
    assert entry["dropped"] > 180


def test_lines_of_a_task_that_runs_are_kept_from_time_to_time() -> None:
    world = World(project(), selinon_log_lines=100)
    seen: list[int] = []

    def between() -> None:
        print("on")
        world.now += 3
        seen.append(sum(len(entry["lines"]) for entry in logs_of(world.store, id)))

    telling_tasks.BETWEEN.append(between)
    id = world.start("count", {"of": 6})
    world.work()
    assert sorted(set(seen)) == [0, 3, 5]
    assert len(logs_of(world.store, id)[0]["lines"]) == 6


def test_progress_is_written_at_most_once_a_second_and_at_the_end() -> None:
    world = World(project())
    writes: list[dict[str, Any]] = []
    world.workers[0].tracer.add(lambda event, details: writes.append({**details, "event": event}))
    world.workers = world.workers[:1]
    telling_tasks.BETWEEN.append(lambda: setattr(world, "now", world.now + 0.1))
    id = world.start("count", {"of": 25})
    world.work()
    told = [event for event in writes if event["event"] == "NODE_PROGRESS"]
    assert [event["done"] for event in told] == [1, 12, 23, 25]
    assert (told[0]["node_name"], told[0]["of"], told[0]["text"]) == ("Count", 25, "pages")
    (found,) = progress_of(world.store, id).values()
    assert (found["done"], found["of"], found["text"]) == (25, 25, "pages")


def test_the_status_of_a_task_that_runs_says_how_far_it_is() -> None:
    world = World(project(), workers=1)
    shown: list[dict[str, Any]] = []

    def look() -> None:
        if not shown:
            shown.append(describe(world.store, world.workers[0].flow_versions, id))

    telling_tasks.BETWEEN.append(look)
    id = world.start("count", {"of": 50})
    world.work()
    (node,) = shown[0]["nodes"]
    assert (node["status"], node["progress"]["done"], node["progress"]["of"]) == ("running", 1, 50)
    assert "1 of 50 (2%) pages" in run_tree(shown[0], color=False)


def test_any_class_can_say_how_far_it_is() -> None:
    world = World(project())
    id = world.start("typed", {"of": 7})
    world.work()
    (found,) = progress_of(world.store, id).values()
    assert (found["done"], found["of"], found["text"]) == (1, None, "at the 7th")


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"done": "x"}, "progress: done has to be a number, not str"),
        ({"done": True}, "progress: done has to be a number, not bool"),
        ({"done": -1}, "at least 0"),
        ({"done": 1, "of": []}, "progress: of has to be a number, not list"),
    ],
)
def test_what_is_no_number_fails_the_task(args: dict[str, Any], error: str) -> None:
    world = World(project())
    id = world.start("wrong", args)
    world.work()
    (node,) = describe(world.store, world.workers[0].flow_versions, id)["nodes"]
    assert error in json.loads(world.store.error(node["id"]) or "{}")["message"]


def test_outside_of_a_task_progress_does_nothing() -> None:
    progress(1, 2, "x")


@pytest.mark.parametrize("error", [StateStoreError, StateStoreRefused])
def test_a_store_that_keeps_no_report_does_not_disturb_the_task(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    world = World(project(), selinon_log_lines=10)

    def not_kept(*_: Any, **__: Any) -> bool:
        raise error("away")

    monkeypatch.setattr(world.store.items, "put", not_kept)
    ids = [world.start("count", {"of": 3}), world.start("tell", ARGS)]
    world.work()
    assert {world.results[id][0] for id in ids} == {"success"}


def test_reports_stay_as_long_as_their_run() -> None:
    world = World(project(), selinon_state_ttl=1000.0, selinon_log_lines=10)
    id = world.start("count", {"of": 3})
    world.work()
    telling = world.start("tell", ARGS)
    world.work()
    upkeep = IndexUpkeep(world.workers[0])
    world.now += 2000
    upkeep.run_once(world.now)  # the memory store keeps runs for good
    assert progress_of(world.store, id)
    world.store.forget([id, telling])
    world.now += 4000
    upkeep.run_once(world.now)
    assert world.store.items.count(PROGRESS) == 0
    assert logs_of(world.store, telling) == []
