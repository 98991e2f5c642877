"""A flow run that failed goes on: what failed runs again and nothing else, and in the end it has never failed."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from selinon_core.dispatch import FlowOutcome
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import decode_event, encode_event
from selinon_core.dispatch.rules.reopening import retryable, why_not_reopened
from selinon_core.errors import UnexpectedEvent
from selinon_core.plan import Plan
from tests.dispatch.comparable import comparable, summary
from tests.dispatch.driver import Simulation, TooBig, new_machine
from tests.dispatch.flows import orders, plans, scripts
from tests.dispatch.plans import edge, failure, flow, plan
from tests.dispatch.play import Play
from tests.dispatch.retrying import Retrying, mended
from tests.dispatch.script import Script
from tests.dispatch.shown import shown

RELAXED = settings(deadline=None, report_multiple_bugs=False, suppress_health_check=list(HealthCheck))
CHAIN = plan(flow("main", [edge(None, "A"), edge("A", "B"), edge("B", "C")]))


def without_retries(plan: Plan) -> Plan:
    """A flow that is tried again begins with other runs, which would have other keys."""
    return plan._replace(flows={name: each._replace(max_retry=0) for name, each in plan.flows.items()})


def retried(plan: Plan, script: Script, order: Random, early: bool) -> Retrying:
    try:
        return Retrying(plan, "main", script, order, early=early).run()
    except TooBig:
        assume(False)
        raise


@given(plans(eager=False, data_flow=True), scripts, orders, st.booleans(), st.sampled_from([0, 0, 20]))
@RELAXED
def test_fail_mend_retry_is_as_never_failed(
    plan: Plan, script: Script, order: Random, early: bool, breaks: int
) -> None:
    """Against the machine and the reference in a world in which what was mended does not fail."""
    plan = without_retries(plan)
    script = script._replace(refused=0, question_fails=breaks, deferrals=0)
    ours = retried(plan, script, order, early)
    assume(ours.retries)
    try:
        never = Simulation(plan, "main", mended(script, ours.mended_keys), Random(1), check=True).run()
    except TooBig:
        assume(False)
        raise
    assert comparable(ours) == comparable(never)
    assert summary(ours.outcome) == summary(never.outcome)
    assert ours.outcome.output == never.outcome.output


@given(plans(data_flow=True), scripts, orders, st.booleans())
@RELAXED
def test_a_log_with_retries_replays(plan: Plan, script: Script, order: Random, early: bool) -> None:
    original = retried(plan, script._replace(question_fails=10, refused=0), order, early)
    replayed = new_machine(plan, "main")
    for event, effects in zip(original.log, original.effects, strict=True):
        assert shown(replayed.advance(event)) == shown(effects)
    assert replayed.outcome is not None
    assert replayed.outcome.to_json() == original.outcome.to_json()


def test_what_failed_runs_again_and_the_flow_goes_on() -> None:
    play = Play(CHAIN).ok("A").fail("B")
    failed = play.outcome
    assert failed.state["failed_nodes"] == {"B": ["run-2"]}
    play.feed(on.Reopened([2], "me"))
    (again,) = play.of(do.StartAgain)
    assert (again.node_run.id, again.node_run.serial, again.parent) == ("run-2", 1, {"A": "run-1"})
    assert play.notes("RUN_RETRIED") == [{"retried": [{"name": "B", "id": "run-2"}], "by": "me"}]
    assert not play.machine.ended
    play.feed(on.NodeSucceeded(2)).ok("C")
    assert play.outcome.succeeded
    assert play.outcome.finished == {"A": ["run-1"], "B": ["run-2"], "C": ["run-3"]}
    assert failed.state["finished_nodes"] == {"A": ["run-1"]}, "an outcome does not change any more"


def test_it_may_fail_again_and_be_retried_again() -> None:
    play = Play(CHAIN).ok("A").fail("B")
    play.feed(on.Reopened([2])).feed(on.NodeFailed(2))
    assert play.machine.ended
    play.feed(on.Reopened([2]))
    assert play.of(do.StartAgain)[-1].node_run.serial == 2


def test_what_ran_when_it_failed_is_waited_for_and_what_ended_since_is_taken_in() -> None:
    made = plan(flow("main", [edge(None, "A B D E"), edge("B D E", "C")], eager_failures="A"))
    play = Play(made).fail("A")
    assert play.machine.ended
    play.ok("B")  # it ended while the run was over
    play.fail("D")
    play.feed(on.Reopened([1, 3]))
    assert sorted(effect.node_run.name for effect in play.of(do.StartAgain)) == ["A", "D"]
    for number in (1, 3):
        play.feed(on.NodeSucceeded(number))
    play.ok("E")
    assert play.new_names == ["C"]
    assert play.ok("C").outcome.succeeded


def test_a_failed_run_that_is_not_named_stays_failed() -> None:
    play = Play(plan(flow("main", [edge(None, "A B")]))).fail("A", "B").feed(on.Reopened([1]))
    play.feed(on.NodeSucceeded(1))
    assert play.machine.ended
    assert (play.outcome.succeeded, play.outcome.failed) == (False, {"B": ["run-2"]})


def test_an_eager_failure_that_is_not_named_fails_it_again_at_once() -> None:
    made = plan(flow("main", [edge(None, "A B")], eager_failures="A"))
    play = Play(made).fail("A", "B").feed(on.Reopened([2]))
    assert play.machine.ended
    assert play.outcome.reason == "A failed and is listed in eager_failures"


def test_a_decision_that_failed_is_asked_again() -> None:
    made = plan(flow("main", [edge(None, "A"), edge("A", "B", condition=True)]))
    play = Play(made).ok("A")
    play.feed(on.QuestionFailed(play.question.question, "it raised"))
    assert play.machine.ended
    play.feed(on.Reopened([]))
    assert isinstance(play.question, do.AskCondition)
    play.answer(True).ok("B")
    assert play.outcome.succeeded


def test_a_fallback_that_could_not_be_decided_is_decided_and_its_node_does_not_run_again() -> None:
    made = plan(flow("main", [edge(None, "A")], [failure("A", "X", condition=True)]))
    play = Play(made).fail("A")
    play.feed(on.QuestionFailed(play.question.question, "it raised"))
    play.feed(on.Reopened([]))
    play.answer(True)
    assert play.new_names == ["X"]
    assert play.ok("X").outcome.succeeded


def test_a_timed_out_run_goes_on() -> None:
    play = Play(CHAIN).ok("A").feed(on.DeadlinePassed())
    play.feed(on.Reopened([]))
    assert play.of(do.StartAgain) == []  # B still runs
    assert play.ok("B", "C").outcome.succeeded


def test_a_run_that_timed_out_between_two_attempts_begins_the_next() -> None:
    play = Play(plan(flow("main", [edge(None, "A")], max_retry=3))).fail("A").feed(on.DeadlinePassed())
    play.feed(on.Reopened([]))
    assert play.new_names == ["A"]
    assert play.ok("A").outcome.succeeded


def test_a_failed_subflow_is_started_again_as_it_was() -> None:
    made = plan(
        flow("main", [edge(None, "A"), edge("A", "S")], propagate_parent="S"), flow("S", [edge(None, "B")])
    )
    play = Play(made).ok("A").fail("S", outcome=FlowOutcome(False, {}, {}, [], {}, "why"))
    play.feed(on.Reopened([2]))
    (again,) = play.of(do.StartAgain)
    assert (again.node_run.is_flow, again.parent, again.node_run.outcome) == (True, {"A": "run-1"}, None)


def test_a_node_without_arguments_is_given_some_when_they_can_be_worked_out() -> None:
    made = plan(flow("main", [edge(None, "A"), edge("A", "B", args={"x": 1})]))
    play = Play(made).ok("A")
    play.feed(on.ArgsAnswered(play.question.question, [[1, "no such key"]]))
    assert play.machine.ended
    play.feed(on.Reopened([2]))
    play.feed(on.ArgsAnswered(play.question.question, [[1, "still none"]]))
    assert play.outcome.failed == {"B": ["run-2"]}
    play.feed(on.Reopened([2]))
    play.feed(on.ArgsAnswered(play.question.question, [[0, {"x": 2}]]))
    assert play.new_names == ["B"]
    (started,) = play.starts("B")
    assert (started.node_run.id, started.node_run.args, started.parent) == ("run-2", {"x": 2}, {"A": "run-1"})
    assert play.ok("B").outcome.succeeded


def refused(play: Play, numbers: list[int]) -> str:
    before = shown(play.machine.open_questions), play.machine.phase
    with pytest.raises(UnexpectedEvent) as error:
        play.machine.advance(on.Reopened(numbers))
    assert (shown(play.machine.open_questions), play.machine.phase) == before
    return str(error.value)


def test_what_cannot_go_on_is_refused() -> None:
    assert "it has not ended" in refused(Play(CHAIN), [])
    assert "it succeeded" in refused(Play(CHAIN).ok("A", "B", "C"), [])
    assert "node run 1 did not fail" in refused(Play(CHAIN).ok("A").fail("B"), [1])
    assert "its arguments are refused (no)" in refused(Play(CHAIN, refused="no"), [])
    handled = plan(flow("main", [edge(None, "A")], [failure("A", None, propagate_failure=True)]))
    assert "its failures are handled, by fallbacks with propagate_failure: those of A" in refused(
        Play(handled).fail("A"), []
    )
    dead = plan(flow("main", [edge(None, "A"), edge("A B", "C"), edge("C", "B")]))
    assert "nodes were never reached" in refused(Play(dead, on_unreached="fail").ok("A"), [])


def test_a_run_whose_fallback_failed_retries_the_fallback_only() -> None:
    made = plan(flow("main", [edge(None, "A")], [failure("A", "X")]))
    play = Play(made).fail("A").fail("X")
    assert why_not_reopened(play.machine) is None
    assert [node.name for node in retryable(play.machine)] == ["X"]
    assert play.feed(on.Reopened([2])).feed(on.NodeSucceeded(2)).outcome.succeeded


@pytest.mark.parametrize("event", [on.Reopened([3, 7]), on.Reopened([], "me")])
def test_it_is_written_and_read(event: on.Reopened) -> None:
    import json

    read = decode_event(json.loads(encode_event(event)))
    assert isinstance(read, on.Reopened)
    assert (list(read.numbers), read.by) == (list(event.numbers), event.by)
