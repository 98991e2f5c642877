"""How a flow run ends: success, failure, retries, time-out, cancellation, and what its outcome says."""

from __future__ import annotations

from typing import Any

import pytest

from selinon_core.dispatch import FlowOutcome
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from tests.dispatch.plans import edge, failure, flow, plan
from tests.dispatch.play import Play


def kinds(effects: list[do.Effect]) -> list[str]:
    return [type(effect).__name__ for effect in effects]


OK = FlowOutcome(True, {}, {}, [], {})
FAILED = FlowOutcome(False, {}, {}, [], {}, "why")
STOPS = [on.FlowCancelled, on.DeadlinePassed]


# -- success and failure ----------------------------------------------------------------------------------------


def test_the_result_of_a_flow_lists_finished_runs_in_order_of_finishing() -> None:
    play = Play(plan(flow("main", [edge(None, "A A N"), edge("A", "B")], nowait="N")))
    play.feed(on.NodeSucceeded(2)).feed(on.NodeSucceeded(1)).ok("B", "B")
    assert play.ended
    assert play.outcome.succeeded
    assert play.outcome.state == {
        "finished_nodes": {"A": ["run-2", "run-1"], "B": ["run-4", "run-5"]},
        "failed_nodes": {},
        "active_nodes": [],
    }


def test_a_flow_whose_starting_conditions_are_false_succeeds() -> None:
    play = Play(plan(flow("main", [edge(None, "A", condition=True), edge(None, "B", condition=True)])))
    assert play.answer(False).ended is False
    assert play.answer(False).outcome.succeeded


def test_other_branches_go_on_after_a_failure() -> None:
    play = Play(plan(flow("main", [edge(None, "A B"), edge("B", "C")])))
    play.fail("A").ok("B")
    assert play.new_names == ["C"]
    play.ok("C")
    assert not play.outcome.succeeded
    assert play.outcome.failed == {"A": ["run-1"]}
    assert play.outcome.finished == {"B": ["run-2"], "C": ["run-3"]}
    assert play.outcome.active == []
    assert "A" in str(play.outcome.reason)


def test_an_open_question_keeps_the_flow_from_ending_and_from_fallbacks() -> None:
    play = Play(plan(flow("main", [edge(None, "A B"), edge("A", "C", condition=True)], [failure("B", "F")])))
    assert play.ok("A").fail("B").effects == []
    assert play.answer(False).new_names == ["F"]


def test_an_eager_failure_ends_the_flow_at_once_without_fallbacks() -> None:
    main = flow("main", [edge(None, "A B S")], [failure("C", "F")], eager_failures="A")
    play = Play(plan(main, subflows="S")).fail("A")
    assert kinds(play.effects) == ["TraceNote", "FinishFlow"]
    assert play.outcome.active == [{"name": "B", "id": "run-2"}, {"name": "S", "id": "run-3"}]
    assert play.outcome.failed == {"A": ["run-1"]}
    assert play.ok("B").effects == []


def test_nowait_runs_keep_nobody_waiting_and_their_failure_fails_nothing() -> None:
    play = Play(plan(flow("main", [edge(None, "A N")], nowait="N"))).ok("A")
    assert play.outcome.succeeded
    assert play.fail("N").effects == []


# -- retries ----------------------------------------------------------------------------------------------------


def test_a_retry_starts_from_the_beginning_with_what_was_first_given() -> None:
    main = flow(
        "main", [edge(None, "A"), edge("A", "B")], node_args_from_first=True, max_retry=2, retry_countdown=7.0
    )
    play = Play(plan(main), args={"given": 1}, parent={"Far": "id"}, failures={"Old": ["id"]})
    for attempt in (1, 2):
        play.ok("A").answer({"attempt": attempt})
        assert play.starts("B")[-1].node_run.args == {"attempt": attempt}
        play.fail("B")
        assert kinds(play.effects) == ["ScheduleRetry"]
        assert play.of(do.ScheduleRetry)[-1].delay == 7.0
        assert play.machine.active == ()
        play.feed(on.RetryDue())
        (again,) = play.effects
        assert isinstance(again, do.StartTask)
        assert (again.node_run.name, again.node_run.args, again.parent) == ("A", {"given": 1}, {"Far": "id"})
        assert again.node_run.failures == {"Old": ["id"]}
        assert again.node_run.flow_attempt == attempt + 1
    play.fail("A")
    assert play.ended
    assert not play.outcome.succeeded
    assert play.outcome.finished == {}
    assert play.outcome.failed == {"A": ["run-5"]}


def test_runs_of_an_attempt_that_failed_are_neither_stopped_nor_waited_for() -> None:
    main = flow("main", [edge(None, "A S"), edge("S", "B")], eager_failures="A", max_retry=1)
    play = Play(plan(main, subflows="S")).fail("A")
    assert kinds(play.effects) == ["TraceNote", "ScheduleRetry"]
    assert play.ok("S", outcome=OK).effects == []
    play.feed(on.RetryDue()).ok("A", "S", "B")
    assert play.outcome.succeeded
    assert play.outcome.finished == {"A": ["run-3"], "S": ["run-4"], "B": ["run-5"]}


def test_a_join_does_not_remember_what_finished_in_an_earlier_attempt() -> None:
    play = Play(plan(flow("main", [edge(None, "A B"), edge("A B", "C")], max_retry=1)))
    play.ok("A").fail("B").feed(on.RetryDue()).ok("B")
    assert play.effects == []
    assert play.ok("A").new_names == ["C"]


# -- deadline and cancellation ----------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", STOPS)
def test_a_stop_cancels_running_subflows_and_finishes_last(stop: Any) -> None:
    main = flow("main", [edge(None, "A S S R N"), edge("A", "C", condition=True)], nowait="N", max_retry=3)
    play = Play(plan(main, subflows="S R N")).ok("A")
    play.ok("R", outcome=OK).feed(on.NodeSucceeded(2, OK)).feed(stop())
    assert kinds(play.effects) == ["CancelFlows", "FinishFlow"]
    (cancelled,) = play.of(do.CancelFlows)
    assert sorted(run.number for run in cancelled.runs) == [3, 5]
    assert play.outcome.active == [{"name": "S", "id": "run-3"}]
    assert (play.outcome.timed_out, play.outcome.cancelled) == (
        stop is on.DeadlinePassed,
        stop is on.FlowCancelled,
    )
    assert not play.outcome.succeeded
    assert play.feed(on.NodeFailed(3, FAILED)).effects == []


@pytest.mark.parametrize("stop", STOPS)
def test_a_stop_while_waiting_for_a_retry_cancels_what_an_earlier_attempt_left(stop: Any) -> None:
    main = flow("main", [edge(None, "A S"), edge("A", "B")], eager_failures="B", max_retry=1)
    play = Play(plan(main, subflows="S")).ok("A").fail("B").feed(stop())
    assert kinds(play.effects) == ["CancelFlows", "FinishFlow"]
    assert [run.name for run in play.of(do.CancelFlows)[0].runs] == ["S"]
    assert play.outcome.finished == {"A": ["run-1"]}
    assert play.outcome.failed == {"B": ["run-3"]}
    assert play.feed(on.RetryDue()).effects == []


@pytest.mark.parametrize("stop", STOPS)
def test_a_stop_without_running_subflows_cancels_nothing(stop: Any) -> None:
    play = Play(plan(flow("main", [edge(None, "A S")]), subflows="S")).ok("S", outcome=OK).feed(stop())
    assert kinds(play.effects) == ["FinishFlow"]


def test_a_stop_while_a_fallback_condition_is_open() -> None:
    play = Play(plan(flow("main", [edge(None, "A")], [failure("A", "F", condition=True)], max_retry=1))).fail("A")
    assert kinds(play.feed(on.DeadlinePassed()).effects) == ["FinishFlow"]
    assert play.outcome.failed == {"A": ["run-1"]}
    assert play.answer_late(True) == []


# -- questions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("countdown", "delay"), [(0.0, 1.0), (0.5, 1.0), (30.0, 30.0)])
def test_a_deferred_question_is_asked_again_and_costs_no_retry(countdown: float, delay: float) -> None:
    main = flow("main", [edge(None, "A"), edge("A", "B", condition=True)], retry_countdown=countdown)
    play = Play(plan(main)).ok("A")
    question = play.question
    for times in (1, 2, 3):
        (again,) = play.feed(on.QuestionDeferred(question.question)).effects
        assert isinstance(again, do.AskAgain)
        assert (again.asked, again.delay, again.deferrals) == (question, delay, times)
    assert play.answer(True).new_names == ["B"]
    assert play.machine.attempt == 1


def test_deferrals_are_counted_per_question() -> None:
    main = flow("main", [edge(None, "A"), edge("A", "B", foreach=True), edge("A", "C", foreach=True)])
    play = Play(plan(main)).ok("A")
    play.feed(on.QuestionDeferred(1)).feed(on.QuestionDeferred(2)).feed(on.QuestionDeferred(1))
    assert [again.deferrals for again in play.of(do.AskAgain)] == [1, 1, 2]


@pytest.mark.parametrize("retries", [0, 1])
def test_a_question_that_cannot_be_answered_fails_the_flow_which_may_retry(retries: int) -> None:
    main = flow(
        "main", [edge(None, "A B"), edge("A", "C", condition=True)], [failure("B", None)], max_retry=retries
    )
    play = Play(plan(main)).ok("A").feed(on.QuestionFailed(1, "predicate raised"))
    assert kinds(play.effects) == ["ScheduleRetry" if retries else "FinishFlow"]
    assert play.outcome.reason == "predicate raised"
    assert play.outcome.finished == {"A": ["run-1"]}
    assert play.outcome.active == [{"name": "B", "id": "run-2"}]


@pytest.mark.parametrize(
    "event", [on.QuestionFailed(1, "result is missing"), on.FlowCancelled(), on.DeadlinePassed()]
)
def test_the_first_task_has_finished_although_its_result_was_never_read(event: on.Event) -> None:
    play = Play(plan(flow("main", [edge(None, "A"), edge("A", "B")], node_args_from_first=True))).ok("A")
    assert isinstance(play.question, do.AskFirstResult)
    assert play.feed(event).outcome.finished == {"A": ["run-1"]}


def test_the_first_result_replaces_the_arguments_of_all_later_nodes() -> None:
    main = flow(
        "main",
        [edge(None, "A"), edge("A", "B S R", condition=True), edge("B", "A")],
        [failure("S", "F")],
        node_args_from_first=True,
        propagate_node_args="S",
    )
    play = Play(plan(main, subflows="S R"), args="given").ok("A").answer("first")
    question = play.question
    assert isinstance(question, do.AskCondition)
    assert question.args == "first"
    play.answer(True).ok("B", "R").fail("S", outcome=FAILED)
    args = [(start.node_run.name, start.node_run.args) for start in play.starts()]
    assert args == [("A", "given"), ("B", "first"), ("S", "first"), ("R", None), ("A", "first")]
    play.ok("A").answer(False)
    assert play.start("F").node_run.args == "first"
    assert len(play.of(do.AskFirstResult)) == 1


def test_after_a_failure_of_the_first_task_the_arguments_stay() -> None:
    main = flow("main", [edge(None, "A"), edge("F", "A")], [failure("A", "F")], node_args_from_first=True)
    play = Play(plan(main), args="given").fail("A").ok("F").ok("A")
    assert [start.node_run.args for start in play.starts()] == ["given"] * 3
    assert play.of(do.AskFirstResult) == []
    assert play.outcome.succeeded


def test_foreach_may_yield_nothing_and_none() -> None:
    nothing: list[Any] | None
    for nothing in ([], None):
        play = Play(plan(flow("main", [edge(None, "A"), edge("A", "B", foreach=True)]))).ok("A").answer(nothing)
        assert play.outcome.succeeded
        assert play.names == ["A"]


def test_foreach_starts_every_destination_per_item() -> None:
    main = flow("main", [edge(None, "B S", foreach=True, propagate_result=True), edge(None, "C S", foreach=True)])
    play = Play(plan(main, subflows="S"), args="flow").answer([1, 2]).answer(["x", "y"])
    started = [(start.node_run.name, start.node_run.args) for start in play.starts()]
    by_item = [("B", 1), ("S", 1), ("B", 2), ("S", 2)]
    assert started == [*by_item, ("C", "flow"), ("S", None), ("C", "flow"), ("S", None)]
