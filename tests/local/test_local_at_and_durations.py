"""What happens to a local run from outside at a virtual time, and how long attempts take on the run's clock."""

from __future__ import annotations

from typing import Any

import pytest

from selinon_core.cases.model import Mocks, NodeMock, Outcome, Rule, Script
from selinon_core.errors import RequestError, UnknownTaskError
from selinon_core.local import LocalExecutor, LocalOptions
from tests.local.trying import build, failing, names, node, play, told


def times(run: Any, name: str) -> tuple[float, float]:
    row = node(run, name)
    return row["started_at"], row["finished_at"]


def test_a_flow_run_is_cancelled_at_its_time() -> None:
    plan = build({"main": ["-> A", "A -> B", "B -> C"]})
    run = play(plan, durations={"A": 3, "B": 3}, at=((5.0, "cancel"),))
    assert names(run) == ["A", "B"]
    assert (run.status, run.error) == ("failure", "the flow run was cancelled")
    assert [line["time"] for line in told(run, "FLOW_CANCEL")] == [5.0]
    assert node(run, "B")["abandoned"]
    assert run.virtual_seconds == 6.0


def test_sub_flows_are_cancelled_with_it() -> None:
    plan = build({"main": "-> S", "S": ["-> A", "A -> B"]})
    run = play(plan, durations={"A": 3}, at=((1, "cancel"),))
    assert names(run) == ["S", "A"]
    assert node(run, "S")["status"] == "failure"
    assert node(run, "S")["finished_at"] == 1.0


def test_a_run_that_has_ended_is_not_cancelled_and_time_does_not_pass_for_it() -> None:
    run = play(build({"main": "-> A"}), durations={"A": 2}, at=((5, "cancel"),))
    assert run.status == "success"
    assert run.virtual_seconds == 2.0
    assert told(run, "FLOW_CANCEL") == []


def test_a_run_can_be_cancelled_before_its_first_task() -> None:
    run = play(build({"main": ["-> A", "A -> B"]}), at=((0, "cancel"),), durations={"A": 1})
    assert run.error == "the flow run was cancelled"


def test_a_cancelled_wait_for_a_retry_ends_the_flow() -> None:
    plan = build({"main": {"edges": "-> A", "max_retry": 3, "retry_countdown": 100}})
    run = play(plan, does={"A": failing(9)}, at=((150, "cancel"),))
    assert names(run) == ["A", "A"]
    assert run.virtual_seconds == 150.0


def test_real_tasks_take_their_time_and_overlap() -> None:
    plan = build({"main": ["-> A B", "A B -> C"]})
    run = play(plan, does={"A": lambda *_: "a"}, durations={"A": 4, "B": 2.5})
    assert (times(run, "A"), times(run, "B"), times(run, "C")) == ((0.0, 4.0), (0.0, 2.5), (4.0, 4.0))
    assert node(run, "A")["result"] == "a"


def test_every_attempt_takes_the_time() -> None:
    plan = build({"main": "-> A"}, {"A": {"max_retry": 2, "retry_countdown": 10}})
    run = play(plan, does={"A": failing(2)}, durations={"A": 1})
    assert times(run, "A") == (0.0, 23.0)


def test_a_mock_that_says_when_it_ends_counts_more() -> None:
    def mock(**more: Any) -> NodeMock:
        return NodeMock((Rule(None, Script((Outcome("result", 1, **more),))),))

    mocks = Mocks(nodes={"A": mock(), "B": mock(after=7.0)})
    run = play(build({"main": "-> A B"}), mocks=mocks, durations={"A": 3, "B": 3})
    assert (times(run, "A"), times(run, "B")) == ((0.0, 3.0), (0.0, 7.0))


def test_an_attempt_that_takes_longer_than_its_time_out_fails_then_and_does_not_run() -> None:
    ran: list[str] = []
    plan = build({"main": "-> A B"}, {"A": {"timeout": 5}, "B": {"timeout": 5}})
    does = {name: lambda task, _: ran.append(task.task_name) for name in "AB"}
    run = play(plan, does=does, durations={"A": 6, "B": 5})
    assert times(run, "A") == (0.0, 5.0)
    assert node(run, "A")["error"]["type"] == "TaskTimeout"
    assert node(run, "B")["status"] == "success"
    assert ran == ["B"]


def test_a_flow_times_out_while_its_task_takes_its_time() -> None:
    run = play(build({"main": {"edges": ["-> A", "A -> B"], "timeout": 5}}), durations={"A": 8})
    assert run.error == "the flow's timeout is over"
    assert run.facts.root.ended_at == 5.0


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"at": ((1, "stop"),)}, "at names 'stop', and an event is \"cancel\" or a Signal"),
        ({"at": ((-1, "cancel"),)}, "at is -1, not a number of seconds of at least 0"),
        ({"at": (("x", "cancel"),)}, "at is 'x', not a number of seconds of at least 0"),
        ({"durations": {"A": float("nan")}}, "durations of A is nan, not a number of seconds of at least 0"),
        ({"durations": {"A": True}}, "durations of A is True, not a number of seconds of at least 0"),
        ({"durations": {"A": 1}, "time": "real"}, "durations are for virtual time and concurrency 1"),
        ({"durations": {"A": 1}, "concurrency": 2}, "durations are for virtual time and concurrency 1"),
    ],
)
def test_values_that_no_run_can_have_are_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(RequestError) as raised:
        LocalExecutor(build({"main": "-> A"}), LocalOptions(**options))
    assert str(raised.value) == text


def test_a_duration_of_an_unknown_task_is_refused() -> None:
    with pytest.raises(UnknownTaskError, match='no task is named "Aa"'):
        LocalExecutor(build({"main": "-> A"}), LocalOptions(durations={"Aa": 1}))
