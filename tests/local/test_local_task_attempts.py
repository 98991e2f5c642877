"""Attempts of tasks in a local run: retries, times, errors, schemas, what storages get."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from selinon_core.errors import FatalTaskError
from tests.local.trying import build, failing, names, node, play, told


def test_a_failing_task_is_retried_after_its_countdown_on_virtual_time() -> None:
    plan = build({"f": ["-> A", "A -> B"]}, {"A": {"max_retry": 3, "retry_countdown": 120}})
    run = play(plan, does={"A": failing(2, result={"x": 1})})
    assert run.status == "success"
    assert run.virtual_seconds == 240
    a = node(run, "A")
    assert (a["attempts"], a["started_at"], a["finished_at"], a["result"]) == (3, 0.0, 240.0, {"x": 1})
    assert node(run, "B")["started_at"] == 240.0
    assert [(e["attempt"], e["retry_countdown"], e["time"]) for e in told(run, "TASK_RETRY")] == [
        (1, 120.0, 0.0),
        (2, 120.0, 120.0),
    ]


def test_a_task_fails_when_its_retries_are_used_up() -> None:
    plan = build({"f": ["-> A", "A -> B"]}, {"A": {"max_retry": 2, "retry_countdown": 5}})
    run = play(plan, does={"A": failing(9, KeyError("gone"))})
    assert run.status == "failure"
    a = node(run, "A")
    assert (a["status"], a["attempts"], a["finished_at"]) == ("failure", 3, 10.0)
    assert a["error"]["type"] == "KeyError"
    assert a["error"]["message"] == "'gone'"
    assert "KeyError: 'gone'" in a["error"]["traceback"]
    assert names(run) == ["A"]
    assert run.result == {"finished_nodes": {}, "failed_nodes": {"A": [a["id"]]}, "active_nodes": []}


def test_the_traceback_begins_with_the_users_own_frame() -> None:
    run = play(build({"f": "-> A"}), does={"A": failing(1)})
    lines = node(run, "A")["error"]["traceback"].splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert "trying.py" in lines[1]
    assert "selinon_core" not in "\n".join(lines)


def test_the_traceback_tells_the_cause() -> None:
    def act(task: Any, node_args: Any) -> None:
        try:
            raise KeyError("the cause")
        except KeyError as error:
            raise ValueError("the effect") from error

    traceback = node(play(build({"f": "-> A"}), does={"A": act}), "A")["error"]["traceback"]
    assert "KeyError: 'the cause'" in traceback
    assert traceback.endswith("ValueError: the effect")


def test_the_task_sees_the_number_of_its_attempt() -> None:
    seen = []

    def act(task: Any, node_args: Any) -> None:
        seen.append(task.attempt)
        if task.attempt == 1:
            task.retry(1)
        if task.attempt < 4:
            raise ValueError

    assert play(build({"f": "-> A"}, {"A": {"max_retry": 2}}), does={"A": act}).status == "success"
    assert seen == [1, 2, 3, 4]


def test_asking_for_a_retry_is_not_counted_and_waits_as_long_as_asked() -> None:
    def act(task: Any, node_args: Any) -> str:
        if task.attempt <= 5:
            task.retry(countdown=7.5)
        return "done"

    run = play(build({"f": "-> A"}), does={"A": act})
    assert run.status == "success"
    assert run.virtual_seconds == 37.5
    assert all(event["user_retry"] for event in told(run, "TASK_RETRY"))


@pytest.mark.parametrize("countdown", [None, "soon", math.nan, math.inf, [1]])
def test_an_impossible_countdown_fails_the_attempt_and_says_so(countdown: Any) -> None:
    run = play(build({"f": "-> A"}), does={"A": lambda task, args: task.retry(countdown)})
    error = node(run, "A")["error"]
    assert "countdown" in error["message"]
    assert repr(countdown) in error["message"]


def test_a_negative_countdown_is_no_countdown() -> None:
    def act(task: Any, node_args: Any) -> None:
        if task.attempt == 1:
            task.retry(-5)

    run = play(build({"f": "-> A"}), does={"A": act})
    assert (run.status, run.virtual_seconds) == ("success", 0.0)


def test_a_fatal_error_fails_at_once() -> None:
    plan = build({"f": "-> A"}, {"A": {"max_retry": 9}})
    run = play(plan, does={"A": failing(9, FatalTaskError("no use"))})
    assert (node(run, "A")["attempts"], node(run, "A")["error"]["type"]) == (1, "FatalTaskError")


def test_a_task_that_exits_has_failed() -> None:
    def act(task: Any, node_args: Any) -> None:
        raise SystemExit(3)

    run = play(build({"f": ["-> A", "-> B"]}), does={"A": act})
    assert node(run, "A")["error"]["type"] == "SystemExit"
    assert node(run, "B")["status"] == "success"


def test_a_generator_that_is_run_by_no_storage_is_no_success() -> None:
    def yields(task: Any, node_args: Any) -> Any:
        yield 1

    async def yields_later(task: Any, node_args: Any) -> Any:
        yield 1

    for act in (yields, yields_later):
        run = play(build({"f": ["-> A"]}, {"A": {"storage": None, "max_retry": 3}}), does={"A": act})
        told = node(run, "A")
        assert (told["status"], told["attempts"], told["error"]["type"]) == ("failure", 1, "ConfigurationError")
        assert "run of A is a generator function" in told["error"]["message"]
    run = play(build({"f": ["-> A"]}), does={"A": yields})
    assert node(run, "A")["error"]["message"].endswith("cannot be stored as JSON: $ is a generator")
    assert play(build({"f": ["-> A"]}), does={"A": yields}, storage="real").status == "success"


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("timeout", [None, 60])
def test_an_interrupt_passes_through(concurrency: int, timeout: int | None) -> None:
    def act(task: Any, node_args: Any) -> None:
        raise KeyboardInterrupt

    plan = build({"f": "-> A"}, {"A": {"timeout": timeout}})
    with pytest.raises(KeyboardInterrupt):
        play(plan, does={"A": act}, concurrency=concurrency)


def test_a_class_that_cannot_be_imported_fails_without_retries() -> None:
    plan = build({"f": "-> A"}, {"A": {"max_retry": 5, "import": "not_installed_at_all"}})
    a = node(play(plan), "A")
    assert a["attempts"] == 1
    assert "not_installed_at_all" in a["error"]["message"]


@pytest.fixture
def schema(tmp_path: Path) -> str:
    path = tmp_path / "schema.json"
    path.write_text(
        json.dumps({"type": "object", "required": ["size"], "properties": {"size": {"type": "integer"}}})
    )
    return str(path)


def test_a_result_that_does_not_fit_the_schema_is_retried_then_failed(schema: str) -> None:
    plan = build({"f": "-> A"}, {"A": {"output_schema": schema, "max_retry": 1}})
    run = play(plan, does={"A": lambda task, args: {"size": "big"}})
    a = node(run, "A")
    assert (a["status"], a["attempts"], a["error"]["type"]) == ("failure", 2, "SchemaMismatchError")
    assert "size" in a["error"]["message"]
    assert run.stored("S") == {}


def test_a_result_that_fits_at_the_second_attempt_is_kept(schema: str) -> None:
    plan = build({"f": "-> A"}, {"A": {"output_schema": schema, "max_retry": 1}})
    run = play(plan, does={"A": lambda task, args: {"size": task.attempt if task.attempt > 1 else None}})
    assert run.status == "success"
    assert run.stored("S") == {("f", "A", node(run, "A")["id"]): {"size": 2}}


class TestStoringErrors:
    def plan(self, classname: str = "StoringErrors", **task: Any) -> Any:
        return build({"f": "-> A"}, {"A": {"storage": "E", **task}}, {"E": {"classname": classname}})

    def test_the_storage_is_told_once_when_the_task_has_failed_for_good(self) -> None:
        heard: list[Any] = []

        def store_error(name: str, args: Any, exc_info: Any) -> None:
            heard.append((name, args, exc_info[0], str(exc_info[1]), exc_info[2] is not None))

        run = play(
            self.plan(max_retry=3),
            {"x": 1},
            {"A": failing(9, ValueError("no")), "store_error": store_error},
            storage="real",
        )
        assert heard == [("A", {"x": 1}, ValueError, "no", True)]
        (event,) = told(run, "STORAGE_STORE_ERROR")
        assert (event["storage_name"], event["error_type"], event["error_value"]) == ("E", "ValueError", "no")

    def test_a_read_only_storage_is_not_reported(self) -> None:
        run = play(self.plan(storage_readonly=True), does={"A": failing(9)}, storage="real")  # would be a KeyError
        assert node(run, "A")["error"]["type"] == "ValueError"
        assert not told(run, "STORAGE_STORE_ERROR")

    def test_a_storage_that_cannot_store_errors_is_an_event(self) -> None:
        run = play(self.plan("Remembering"), does={"A": failing(9)}, storage="real")
        assert len(told(run, "STORAGE_OMIT_STORE_ERROR")) == 1

    def test_a_storage_that_fails_at_it_is_an_event_and_the_task_failed_all_the_same(self) -> None:
        def store_error(name: str, args: Any, exc_info: Any) -> None:
            raise OSError("disk full")

        run = play(self.plan(), does={"A": failing(9), "store_error": store_error}, storage="real")
        assert node(run, "A")["error"]["type"] == "ValueError"
        assert "disk full" in told(run, "STORAGE_ISSUE")[0]["what"]

    def test_a_stand_in_keeps_errors_apart_from_results(self) -> None:
        run = play(self.plan("Remembering"), does={"A": failing(9)})
        assert run.stored("E") == {}
        assert len(told(run, "STORAGE_STORE_ERROR")) == 1

    def test_an_error_whose_text_cannot_be_had_disturbs_nobody(self) -> None:
        class Odd(Exception):
            def __str__(self) -> str:
                raise RuntimeError("no text")

        for options in ({}, {"storage": "real"}):
            run = play(self.plan(), does={"A": failing(9, Odd()), "store_error": lambda *told: None}, **options)
            assert node(run, "A")["error"]["type"] == "Odd"
            assert json.dumps([run.report(), list(run.trace())])


def test_without_a_storage_a_result_is_discarded_and_reported() -> None:
    plan = build({"f": ["-> A", "A -> B"]}, {"A": {"storage": None}, "B": {"storage": None}})
    run = play(plan, does={"A": lambda task, args: {"x": [1]}})
    (event,) = told(run, "TASK_DISCARD_RESULT")
    assert (event["task_name"], event["result"]) == ("A", {"x": [1]})
    assert node(run, "A")["result"] == {"x": [1]}


def test_a_read_only_storage_keeps_no_result() -> None:
    plan = build({"f": "-> A"}, {"A": {"storage_readonly": True}})
    run = play(plan, does={"A": lambda task, args: 5})
    assert run.stored("S") == {}
    assert [event["result"] for event in told(run, "TASK_DISCARD_RESULT")] == [5]


def test_a_storage_that_fails_to_write_uses_up_retries_and_can_recover() -> None:
    def broken_twice(*address: str) -> None:
        if next(left, None) is not None:
            raise OSError("disk full")

    left = iter(range(2))
    plan = build({"f": "-> A"}, {"A": {"max_retry": 2, "retry_countdown": 3}})
    run = play(plan, does={"A": lambda task, args: "kept", "store": broken_twice}, storage="real")
    assert (run.status, node(run, "A")["attempts"], run.virtual_seconds) == ("success", 3, 6.0)
    assert len(told(run, "STORAGE_ISSUE")) == 2
    assert [event["record_id"] for event in told(run, "STORAGE_STORED")] == ["record of A"]

    left = iter(range(9))
    run = play(plan, does={"A": lambda task, args: "kept", "store": broken_twice}, storage="real")
    assert node(run, "A")["error"]["type"] == "StorageError"
    assert "disk full" in node(run, "A")["error"]["message"]


@pytest.mark.parametrize("result", [{1, 2}, object(), {"x": {3}}, math.nan, {("a", "b"): 1}])
def test_a_result_that_json_cannot_hold_cannot_be_stored(result: Any) -> None:
    run = play(build({"f": "-> A"}), does={"A": lambda task, args: result})
    a = node(run, "A")
    assert a["error"]["type"] == "StorageError"
    assert "JSON" in a["error"]["message"]
    assert len(told(run, "STORAGE_ISSUE")) == 1


def test_a_storage_that_cannot_be_built_fails_the_task_and_names_the_storage() -> None:
    plan = build({"f": "-> A"}, {"A": {"storage": "P"}}, {"P": {"classname": "Picky"}})
    error = node(play(plan, does={"A": lambda task, args: 1}, storage="real"), "A")["error"]
    assert '"P"' in error["message"]
    assert "no such disk" in error["message"]


def test_a_task_may_be_any_class() -> None:
    plan = build({"f": "-> A"}, {"A": {"classname": "WithSlots", "import": __name__}})
    assert node(play(plan, 3), "A")["result"] == [3, "f", "A"]


class WithSlots:
    __slots__ = ("names",)

    def __init__(self, flow_name: str, task_name: str, parent: Any, task_id: str, dispatcher_id: str) -> None:
        self.names = [flow_name, task_name]

    def run(self, node_args: Any) -> Any:
        return [node_args, *self.names]
