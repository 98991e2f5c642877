"""Events that cannot be: refused without a trace. Events that come too late: accepted without an effect."""

from __future__ import annotations

from contextlib import suppress
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.errors import UnexpectedEvent
from selinon_core.plan import Plan
from tests.dispatch.driver import Simulation, TooBig, new_machine
from tests.dispatch.flows import orders, plans, scripts, starts
from tests.dispatch.plans import edge, failure, flow, plan
from tests.dispatch.play import Play
from tests.dispatch.script import Script
from tests.dispatch.shown import shown

ASKING = plan(
    flow(
        "main",
        [edge(None, "A B"), edge("A", "C", condition=True), edge("A", "D", foreach=True)],
        [failure("B", "F", condition=True)],
        max_retry=1,
    )
)


def refused(play: Play, event: on.Event) -> None:
    with pytest.raises(UnexpectedEvent):
        play.feed(event)


@pytest.mark.parametrize(
    "event",
    [
        on.NodeSucceeded(1),
        on.NodeFailed(1),
        on.ConditionAnswered(1, True),
        on.ForeachAnswered(1, []),
        on.ReuseAnswered(1, None),
        on.FirstResultAnswered(1, None),
        on.ArgsAnswered(1, [[0, None]]),
        on.OutputAnswered(1, None),
        on.QuestionDeferred(1),
        on.QuestionFailed(1, "why"),
        on.RetryDue(),
        on.DeadlinePassed(),
        on.FlowCancelled(),
    ],
    ids=lambda event: type(event).__name__,
)
def test_nothing_but_the_start_can_come_first(event: on.Event) -> None:
    machine = new_machine(ASKING, "main")
    with pytest.raises(UnexpectedEvent):
        machine.advance(event)
    assert machine.active == ()
    assert len(machine.advance(on.FlowStarted())) == 2


def test_a_flow_run_starts_once() -> None:
    refused(Play(ASKING), on.FlowStarted())


def test_a_node_run_ends_once() -> None:
    play = Play(ASKING).ok("A")
    refused(play, on.NodeSucceeded(1))
    refused(play, on.NodeFailed(1))
    refused(play, on.NodeSucceeded(3))


@pytest.mark.parametrize("duplicate", [on.ConditionAnswered(1, True), on.QuestionFailed(1, "why")])
def test_a_question_is_answered_once(duplicate: on.Event) -> None:
    play = Play(ASKING).ok("A").answer(True)
    refused(play, duplicate)
    refused(play, on.QuestionDeferred(1))
    assert play.names == ["A", "B", "C"]


def test_a_question_that_failed_the_flow_is_answered_too() -> None:
    play = Play(ASKING).ok("A").feed(on.QuestionFailed(1, "why"))
    refused(play, on.ConditionAnswered(1, True))


def test_an_answer_of_the_wrong_kind_leaves_the_question_open() -> None:
    play = Play(ASKING).ok("A").fail("B")
    condition, foreach = play.machine.open_questions
    kinds: list[Any] = [on.ForeachAnswered(1, []), on.ReuseAnswered(1, None), on.FirstResultAnswered(1, 1)]
    kinds += [on.ArgsAnswered(1, [[0, 1]]), on.OutputAnswered(1, 1)]
    for event in kinds:
        refused(play, event)
    refused(play, on.ConditionAnswered(2, True))
    assert play.machine.open_questions == (condition, foreach)
    assert play.answer(True).new_names == ["C"]
    assert play.answer([1, 2]).new_names == ["D", "D"]


def test_no_retry_was_scheduled() -> None:
    refused(Play(ASKING), on.RetryDue())


@pytest.mark.parametrize("number", [-1, 0, 3])
def test_a_question_that_was_never_asked(number: int) -> None:
    play = Play(ASKING).ok("A")
    for event in (on.ConditionAnswered(number, True), on.QuestionDeferred(number)):
        refused(play, event)


def test_late_answers_and_completions_of_an_attempt_that_failed_change_nothing() -> None:
    play = Play(ASKING).ok("A").feed(on.QuestionFailed(2, "storage is gone"))
    assert isinstance(play.effects[-1], do.ScheduleRetry)
    assert play.feed(on.ConditionAnswered(1, True)).effects == []
    assert play.feed(on.RetryDue()).new_names == ["A", "B"]
    assert play.feed(on.NodeFailed(2)).effects == []
    assert [run.number for run in play.machine.active] == [3, 4]
    refused(play, on.NodeFailed(2))
    refused(play, on.ConditionAnswered(1, True))


def test_late_events_after_the_end_change_nothing() -> None:
    play = Play(ASKING).ok("A").feed(on.FlowCancelled())
    late: list[on.Event] = [
        on.NodeSucceeded(2),
        on.ConditionAnswered(1, True),
        on.QuestionDeferred(2),
        on.QuestionFailed(2, "why"),
        on.DeadlinePassed(),
        on.FlowCancelled(),
    ]
    for event in late:
        assert play.feed(event).effects == []


numbers = st.integers(-1, 12)
events = st.one_of(
    st.builds(on.FlowStarted),
    st.builds(on.NodeSucceeded, numbers),
    st.builds(on.NodeFailed, numbers),
    st.builds(on.ConditionAnswered, numbers, st.booleans()),
    st.builds(on.ForeachAnswered, numbers, st.sampled_from([[], [1], [1, 2], None])),
    st.builds(on.ReuseAnswered, numbers, st.none() | st.uuids().map(str)),
    st.builds(on.FirstResultAnswered, numbers, st.integers()),
    st.builds(on.ArgsAnswered, numbers, st.sampled_from([[], [[0, 1]], [[1, "why"]], [[0, 1], [0, 2]]])),
    st.builds(on.OutputAnswered, numbers, st.integers()),
    st.builds(on.QuestionDeferred, numbers),
    st.builds(on.QuestionFailed, numbers, st.just("why")),
    st.builds(on.RetryDue),
    st.builds(on.DeadlinePassed),
    st.builds(on.FlowCancelled),
)
RELAXED = settings(deadline=None, report_multiple_bugs=False, suppress_health_check=list(HealthCheck))


@given(st.data(), plans(data_flow=True), st.lists(events, max_size=40))
@RELAXED
def test_any_event_is_taken_or_refused_and_what_is_refused_leaves_no_trace(
    data: st.DataObject, plan: Plan, sequence: list[on.Event]
) -> None:
    start = data.draw(starts(plan))
    machine = new_machine(plan, "main", start.on_unreached)
    taken: list[on.Event] = []
    effects: list[Any] = []
    for event in [*sequence[:1], start.event(), *sequence[1:]]:
        try:
            effects.append(shown(machine.advance(event)))
        except UnexpectedEvent:
            continue
        taken.append(event)
    untroubled = new_machine(plan, "main", start.on_unreached)
    assert [shown(untroubled.advance(event)) for event in taken] == effects
    assert untroubled.considered == machine.considered
    assert [run.number for run in untroubled.active] == [run.number for run in machine.active]


@given(st.data(), plans(data_flow=True), scripts, orders)
@RELAXED
def test_every_event_twice_is_refused_or_has_no_effect(
    data: st.DataObject, plan: Plan, script: Script, order: Random
) -> None:
    """Whatever was delivered twice changes nothing, whether it is refused or ignored."""
    start = data.draw(starts(plan))
    try:
        once = Simulation(plan, "main", script, order, start).run()
    except TooBig:
        assume(False)
    twice = new_machine(plan, "main", start.on_unreached)
    for event, effects in zip(once.log, once.effects, strict=True):
        assert shown(twice.advance(event)) == shown(effects)
        if not isinstance(event, on.QuestionDeferred):
            with suppress(UnexpectedEvent):
                assert twice.advance(event) == []
