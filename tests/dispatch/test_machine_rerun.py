"""Reruns: for every node that an edge starts it is asked whether a recorded run stands in for it."""

from __future__ import annotations

from typing import Any

from selinon_core.dispatch import FlowOutcome
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.plan import Plan
from tests.dispatch.plans import edge, failure, flow, plan
from tests.dispatch.play import Play


def again(of: Plan, args: Any = None) -> Play:
    """A run of ``main`` that runs ``before`` again."""
    return Play(of, args=args, rerun="before")


def reuse(play: Play, id: str | None, outcome: FlowOutcome | None = None, enters: str | None = None) -> Play:
    """Answer the oldest question."""
    assert isinstance(play.question, do.AskRecorded)
    return play.feed(on.ReuseAnswered(play.question.question, id, outcome, enters))


def test_the_trace_says_what_is_run_again() -> None:
    play = again(plan(flow("main", [edge(None, "A")])))
    assert play.notes("RUN_RERUN") == [{"rerun_of": "before"}]


def test_a_reused_run_starts_what_comes_behind_it_and_has_its_old_id() -> None:
    play = again(plan(flow("main", [edge(None, "A"), edge("A", "B")])), {"x": 1})
    assert play.question.node_run.name == "A"
    assert play.question.node_run.args == {"x": 1}
    reuse(play, "old-a")
    (reused,) = play.of(do.ReuseNode)
    assert (reused.node_run.id, reused.node_run.status) == ("old-a", "reused")
    reuse(play, None)
    assert play.start("B").parent == {"A": "old-a"}
    play.ok("B")
    assert play.outcome.finished == {"A": ["old-a"], "B": ["run-2"]}


def test_a_sub_flow_is_reused_with_its_outcome_or_entered() -> None:
    flows = flow("main", [edge(None, "S T"), edge("S T", "B")], propagate_finished="S")
    play = again(plan(flows, subflows="S T"))
    reuse(play, "old-s", FlowOutcome(True, {"STask": ["old-task"]}, {}, [], {}))
    reuse(play, None, None, "old-t")
    assert play.subflow("T").rerun == "old-t"
    again_started = play.machine.start_effect_of(2)
    assert isinstance(again_started, do.StartFlow)
    assert again_started.rerun == "old-t"
    play.ok("T", outcome=FlowOutcome(True, {}, {}, [], {}))
    reuse(play, None)
    assert play.start("B").parent == {"S": {"STask": ["old-task"]}}


def test_a_fallback_is_started_without_asking() -> None:
    play = again(plan(flow("main", [edge(None, "A")], [failure("A", "F")])))
    reuse(play, None)
    play.fail("A")
    assert play.names == ["A", "F"]


def test_what_is_not_decided_yet_is_neither_started_by_recovery_nor_waited_for_after_the_end() -> None:
    play = again(plan(flow("main", [edge(None, "A B")])))
    assert play.machine.start_effect_of(1) is None
    play.feed(on.FlowCancelled())
    assert play.machine.incomplete == 0
    assert play.answer_late("old-a") == []


def test_the_flow_tries_again_with_the_same_answers() -> None:
    play = again(plan(flow("main", [edge(None, "A"), edge("A", "B")], max_retry=1)))
    reuse(play, "old-a")
    reuse(play, None)
    play.fail("B").feed(on.RetryDue())
    reuse(play, "old-a")
    reuse(play, None)
    play.ok("B")
    assert play.outcome.succeeded


def test_a_question_that_failed_is_asked_again_when_the_run_is_reopened() -> None:
    play = again(plan(flow("main", [edge(None, "A")])))
    play.feed(on.QuestionFailed(play.question.question, "the recorded run is gone"))
    assert not play.outcome.succeeded
    play.feed(on.Reopened([]))
    reuse(play, None)
    play.ok("A")
    assert play.outcome.succeeded


def test_a_nowait_run_that_is_reused_starts_nothing() -> None:
    play = again(plan(flow("main", [edge(None, "A B")], nowait="A")))
    reuse(play, "old-a")
    reuse(play, "old-b")
    assert play.outcome.finished == {"B": ["old-b"]}


def test_runs_of_a_destination_that_an_edge_names_twice_are_told_apart() -> None:
    play = again(plan(flow("main", [edge(None, "A A")])))
    assert [play.machine.ordinals.get(q.node_run.number, 0) for q in play.machine.open_questions] == [0, 1]  # type: ignore[union-attr]
