"""What a task sees of its parents, its storage and its failures."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from selinon_core.context import set_default_context
from selinon_core.errors import ConfigNotInitializedError, NoParentNodeError, RequestError, Retry
from selinon_core.task import SelinonTask

PARENT = {
    "Fetch": "id-fetch",
    "crawl": {"Page": ["id-p1", "id-p2"], "deep": {"Page": ["id-p3"]}},
}


class Work(SelinonTask):
    def run(self, node_args: Any) -> Any:
        return node_args


class Context:
    """Answers with what it was asked, so that tests see the question."""

    def __init__(self) -> None:
        self.boom = ValueError("boom")

    def retrieve(self, flow_name: str, task_name: str, task_id: str) -> Any:
        return (flow_name, task_name, task_id)

    def storage_of(self, task_name: str) -> Any:
        return f"storage of {task_name}"

    def exception_of(self, task_id: str) -> BaseException | None:
        return self.boom if task_id.startswith("bad") else None


def make(parent: Any = None, failures: Any = None, context: Any = None) -> Work:
    task = Work(flow_name="f", task_name="t", parent=parent, task_id="id-t", dispatcher_id="id-f")
    if failures is not None:
        task.failures = failures
    task._context = context
    return task


def test_takes_the_five_names_in_order() -> None:
    task = Work("f", "t", PARENT, "id-t", "id-f")
    assert (task.flow_name, task.task_name, task.task_id, task.dispatcher_id) == ("f", "t", "id-t", "id-f")
    assert task.parent is PARENT


def test_built_by_hand_has_harmless_defaults() -> None:
    task = make()
    assert task.parent == {}
    assert task.failures == {}
    assert task.attempt == 1
    assert task.run(3) == 3


def test_defaults_are_not_shared_between_tasks() -> None:
    first, second = make(), make()
    first.failures["x"] = ["id"]  # type: ignore[index]
    first.attempt = 2
    assert second.failures == {}
    assert second.attempt == 1


def test_a_task_without_run_cannot_be_built() -> None:
    class Lazy(SelinonTask):
        pass

    with pytest.raises(TypeError, match="run"):
        Lazy("f", "t", {}, "id", "d")  # type: ignore[abstract]


def test_log_is_named_after_the_task_and_assignable() -> None:
    task = make()
    assert task.log is logging.getLogger("selinon.task.t")
    other = logging.getLogger("other")
    task.log = other
    assert task.log is other


def test_storage_comes_from_the_context_and_is_assignable() -> None:
    task = make(context=Context())
    assert task.storage == "storage of t"
    task.storage = None
    assert task.storage is None


def test_parent_task_result() -> None:
    assert make(PARENT, context=Context()).parent_task_result("Fetch") == ("f", "Fetch", "id-fetch")


@pytest.mark.parametrize(
    ("flow", "index", "expected"),
    [
        ("crawl", None, ("crawl", "Page", "id-p2")),
        ("crawl", 0, ("crawl", "Page", "id-p1")),
        (["crawl"], -2, ("crawl", "Page", "id-p1")),
        (["crawl", "deep"], None, ("deep", "Page", "id-p3")),
        (("crawl", "deep"), 0, ("deep", "Page", "id-p3")),
    ],
)
def test_parent_flow_result(flow: Any, index: int | None, expected: Any) -> None:
    assert make(PARENT, context=Context()).parent_flow_result(flow, "Page", index) == expected


@pytest.mark.parametrize(
    ("flow", "task_name", "index", "message"),
    [
        ("other", "Page", None, "'other'.*'Fetch', 'crawl'"),
        (["crawl", "deeper"], "Page", None, "'deeper' in crawl"),
        ("Fetch", "Page", None, "no parent flow 'Fetch'"),
        ("crawl", "Image", None, "'Image'"),
        ("crawl", "deep", None, "'deep'"),
        ("crawl", "Page", 2, "2 runs"),
        ("crawl", "Page", -3, "2 runs"),
        ([], "Page", None, "empty"),
    ],
)
def test_a_wrong_way_to_a_parent_flow_says_what_there_is(
    flow: Any, task_name: str, index: int | None, message: str
) -> None:
    with pytest.raises(NoParentNodeError, match=message):
        make(PARENT, context=Context()).parent_flow_result(flow, task_name, index)


def test_a_missing_parent_says_what_there_is() -> None:
    task = make(PARENT, context=Context())
    with pytest.raises(NoParentNodeError, match=r"task 't' in flow 'f' has no parent task 'Fetsh'.*'Fetch'"):
        task.parent_task_result("Fetsh")
    with pytest.raises(NoParentNodeError, match=r"sub-flow.*parent_flow_result"):
        task.parent_task_result("crawl")


def test_exceptions_are_looked_for_in_failures_then_in_parents() -> None:
    context = Context()
    task = make({"A": "bad-parent", "B": "bad-b"}, {"A": ["bad-1", "bad-2"]}, context)
    assert task.parent_task_exception("A") is context.boom
    assert task.parent_task_exception("B") is context.boom
    with pytest.raises(NoParentNodeError, match="failed parent task 'C'"):
        task.parent_task_exception("C")


def test_the_last_of_several_failed_runs_is_asked() -> None:
    task = make({}, {"A": ["bad-1", "id-2"]}, Context())
    with pytest.raises(RequestError, match="id-2"):
        task.parent_task_exception("A")


def test_exceptions_in_sub_flows() -> None:
    context = Context()
    task = make(PARENT, {"sub": {"A": ["bad-1"], "inner": {"B": ["id-1", "bad-2"]}}}, context)
    assert task.parent_flow_exception("sub", "A") is context.boom
    assert task.parent_flow_exception(["sub", "inner"], "B") is context.boom
    with pytest.raises(RequestError, match="did not raise"):
        task.parent_flow_exception(["sub", "inner"], "B", 0)
    with pytest.raises(RequestError, match="did not raise"):
        task.parent_flow_exception("crawl", "Page")
    with pytest.raises(NoParentNodeError, match="1 runs in sub"):
        task.parent_flow_exception("sub", "A", 1)


def test_retry_raises_with_the_countdown() -> None:
    with pytest.raises(Retry) as caught:
        make().retry(countdown=5)
    assert caught.value.countdown == 5


def test_without_any_context_the_error_says_what_to_do() -> None:
    previous = set_default_context(None)
    try:
        with pytest.raises(ConfigNotInitializedError, match="Config"):
            make(PARENT).parent_task_result("Fetch")
    finally:
        set_default_context(previous)


def test_the_process_wide_default_is_used_when_a_task_has_no_context() -> None:
    context = Context()
    previous = set_default_context(context)
    try:
        assert make(PARENT).parent_task_result("Fetch") == ("f", "Fetch", "id-fetch")
        own = Context()
        own.boom = KeyError("own")  # type: ignore[assignment]
        assert make({"A": "bad"}, context=own).parent_task_exception("A") is own.boom
    finally:
        assert set_default_context(previous) is context
