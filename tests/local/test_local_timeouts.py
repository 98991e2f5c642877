"""Time-outs of attempts and flows: real ones in real time, mocked ones on virtual time."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from selinon_core.local import Mocks
from tests.local.trying import build, failing, names, node, play, told

SOON = 0.05


def mocks(**outcomes: Any) -> Mocks:
    return Mocks.from_mapping(outcomes)


@pytest.fixture
def hanging() -> Any:
    """A task that does not return before the test is over."""
    over = threading.Event()
    yield lambda task, args: over.wait(60)
    over.set()


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_task_that_does_not_return_is_given_up(concurrency: int, hanging: Any) -> None:
    plan = build({"f": ["-> A", "A -> B"]}, {"A": {"timeout": SOON, "max_retry": 1, "retry_countdown": 9}})
    run = play(plan, does={"A": hanging}, concurrency=concurrency)
    a = node(run, "A")
    assert (run.status, a["status"], a["attempts"], a["error"]["type"]) == ("failure", "failure", 2, "TaskTimeout")
    assert a["abandoned"]
    assert a["real_seconds"] == pytest.approx(2 * SOON)
    assert a["finished_at"] == pytest.approx(9, abs=1e-9)  # real tasks take no virtual time
    assert [(e["attempt"], e["timeout"]) for e in told(run, "TASK_TIMEOUT")] == [(1, SOON), (2, SOON)]


def test_what_an_attempt_returns_after_its_timeout_does_not_replace_a_later_result() -> None:
    may_go, gone = threading.Event(), threading.Event()
    stored: list[Any] = []

    def act(task: Any, args: Any) -> str:
        if task.attempt == 2:
            return "in time"
        threads.append(threading.current_thread())
        may_go.wait(60)
        return "too late"

    def last(task: Any, args: Any) -> None:
        may_go.set()
        threads[0].join(60)
        gone.set()

    threads: list[threading.Thread] = []
    plan = build({"f": ["-> A", "A -> B"]}, {"A": {"timeout": SOON, "max_retry": 1}})
    run = play(plan, does={"A": act, "B": last, "store": lambda *a: stored.append(a[1])}, storage="real")
    assert gone.is_set()
    assert run.status == "success"
    assert stored == ["A", "B"]
    assert node(run, "A")["result"] == "in time"


def test_an_error_after_the_timeout_is_nobodys_business() -> None:
    may_go = threading.Event()
    heard: list[Any] = []

    def act(task: Any, args: Any) -> None:
        threads.append(threading.current_thread())
        may_go.wait(60)
        raise ValueError("too late")

    def other(task: Any, args: Any) -> None:
        may_go.set()
        threads[0].join(60)

    threads: list[threading.Thread] = []
    plan = build(
        {"f": {"edges": ["-> A"], "failures": ["A -> B"]}},
        {"A": {"timeout": SOON, "storage": "E"}},
        {"E": {"classname": "StoringErrors"}},
    )
    does = {"A": act, "B": other, "store_error": lambda *told: heard.append(told[2][0].__name__)}
    assert play(plan, does=does, storage="real").status == "success"
    assert heard == ["TaskTimeout"]


def test_a_task_within_its_timeout_is_as_any_other() -> None:
    run = play(build({"f": "-> A"}, {"A": {"timeout": 60}}), does={"A": lambda task, args: 7})
    assert node(run, "A")["result"] == 7
    assert "abandoned" not in node(run, "A")
    assert not told(run, "TASK_TIMEOUT")


def test_one_at_a_time_holds_for_tasks_with_a_timeout_too() -> None:
    running: list[str] = []
    together: list[list[str]] = []

    def act(task: Any, args: Any) -> None:
        running.append(task.task_name)
        together.append(list(running))
        threading.Event().wait(0.001)
        running.remove(task.task_name)

    plan = build({"f": ["-> A B C D", "A -> E"]}, {"A": {"timeout": 60}, "C": {"timeout": 60}})
    run = play(plan, does=dict.fromkeys("ABCDE", act))
    assert together == [["A"], ["B"], ["C"], ["D"], ["E"]]
    assert names(run) == ["A", "B", "C", "D", "E"]


def test_a_mock_that_takes_too_long_times_out_on_virtual_time() -> None:
    plan = build({"f": "-> A"}, {"A": {"timeout": 10, "max_retry": 1, "retry_countdown": 5}})
    script = mocks(A=[{"result": 1, "after": 3600}, {"result": 2, "after": 4}])
    run = play(plan, mocks=script)
    a = node(run, "A")
    assert (a["status"], a["result"], a["attempts"], a["finished_at"]) == ("success", 2, 2, 19.0)
    assert [event["time"] for event in told(run, "TASK_TIMEOUT")] == [10.0]
    assert "abandoned" not in a


def test_a_mock_that_takes_exactly_its_timeout_is_in_time() -> None:
    run = play(build({"f": "-> A"}, {"A": {"timeout": 10}}), mocks=mocks(A={"after": 10}))
    assert (run.status, run.virtual_seconds) == ("success", 10.0)


class TestFlows:
    def test_a_flow_fails_at_its_deadline_over_all_retries(self) -> None:
        flow = {"edges": ["-> A"], "timeout": 100, "max_retry": 99, "retry_countdown": 30}
        run = play(build({"f": flow}), mocks=mocks(A={"error": "ValueError: no", "after": 20}))
        assert (run.status, run.virtual_seconds) == ("failure", 100.0)
        assert run.error is not None
        assert "timeout" in run.error
        assert len(told(run, "FLOW_RETRY")) == 2
        assert told(run, "FLOW_FAILURE")[-1]["time"] == 100.0

    def test_in_a_parent_it_is_a_failed_node_with_flow_timeout(self) -> None:
        plan = build(
            {"f": {"edges": ["-> g"], "failures": ["g -> Clean"]}, "g": {"edges": ["-> A"], "timeout": 5}}
        )
        run = play(plan, mocks=mocks(A={"after": 60}))
        assert run.status == "success"
        assert (node(run, "g")["error"]["type"], node(run, "g")["finished_at"]) == ("FlowTimeout", 5.0)
        assert node(run, "Clean")["started_at"] == 5.0
        assert node(run, "A")["abandoned"]
        assert node(run, "A")["finished_at"] == 60.0

    def test_a_timer_that_is_not_needed_does_not_prolong_the_run(self) -> None:
        plan = build({"f": {"edges": ["-> g"], "timeout": 1000}, "g": {"edges": ["-> A"], "timeout": 500}})
        assert play(plan, mocks=mocks(A={"after": 3})).virtual_seconds == 3.0

    def test_sub_flows_are_cancelled_with_their_parent_at_every_depth(self) -> None:
        plan = build(
            {
                "f": {"edges": ["-> g"], "timeout": 10},
                "g": {"edges": ["-> h"]},
                "h": {"edges": ["-> A", "A -> B"], "max_retry": 5},
            }
        )
        run = play(plan, mocks=mocks(A={"after": 60}))
        assert names(run) == ["g", "h", "A"]
        assert {event["flow_name"]: event["time"] for event in told(run, "FLOW_CANCEL")} == {"g": 10.0, "h": 10.0}
        assert all(n["abandoned"] and n["status"] in ("failure", "success") for n in run.nodes)

    def test_a_throttled_sub_flow_that_did_not_begin_never_does(self) -> None:
        plan = build(
            {
                "f": {"edges": ["-> g g g"], "timeout": 10},
                "g": {"edges": ["-> A"], "throttling": {"hours": 1}},
            }
        )
        run = play(plan, mocks=mocks(A={"after": 1}))
        assert [n["status"] for n in run.nodes if n["name"] == "g"] == ["success", "failure", "failure"]
        assert names(run).count("A") == 1
        assert run.virtual_seconds == 10.0

    def test_waiting_for_a_retry_ends_at_the_deadline(self) -> None:
        flow = {"edges": ["-> A"], "timeout": 5, "max_retry": 1, "retry_countdown": 3600}
        run = play(build({"f": flow}), does={"A": failing(9)})
        assert (run.status, run.virtual_seconds) == ("failure", 5.0)


def test_on_real_time_a_flow_runs_out_of_it_while_its_tasks_run() -> None:
    def slow(task: Any, args: Any) -> None:
        threading.Event().wait(0.05)

    plan = build({"f": {"edges": ["-> A", "A -> B", "B -> C"], "timeout": 0.02}})
    run = play(plan, does={"A": slow}, time="real")
    assert (run.status, names(run)) == ("failure", ["A", "B"])
    assert node(run, "A")["finished_at"] >= 0.05
    assert node(run, "B")["abandoned"]


@pytest.mark.parametrize("concurrency", [1, 2])
def test_a_time_out_says_where_the_task_was(concurrency: int, hanging: Any) -> None:
    def waits_for_the_other(task: Any, args: Any) -> None:
        hanging(task, args)

    plan = build({"f": "-> A"}, {"A": {"timeout": SOON}})
    error = node(play(plan, does={"A": waits_for_the_other}, concurrency=concurrency), "A")["error"]
    assert error["traceback"].startswith("Where it was (most recent call last):\n")
    assert "in waits_for_the_other\n    hanging(task, args)" in error["traceback"]
    assert "selinon_core" not in error["traceback"]
    assert error["traceback"].endswith(f"TaskTimeout: attempt 1 of A ran longer than {SOON} s")


def test_a_time_out_says_what_a_coroutine_awaited() -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    async def waits_for_what_never_comes(task: Any, args: Any) -> None:
        await never()

    plan = build({"f": "-> A"}, {"A": {"timeout": SOON}})
    lines = node(play(plan, does={"A": waits_for_what_never_comes}), "A")["error"]["traceback"].splitlines()
    assert lines[1].endswith("in waits_for_what_never_comes")
    assert lines[3].endswith("in never")
    assert lines[4] == "    await asyncio.Event().wait()"
