"""The output of a flow: when it is asked for, of which runs, and what becomes of it."""

from __future__ import annotations

import json
from random import Random

import pytest

from selinon_core.dispatch import FlowOutcome
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from tests.dispatch.driver import Simulation
from tests.dispatch.plans import A_TEMPLATE, edge, failure, flow, plan
from tests.dispatch.play import Play
from tests.dispatch.script import Script


def output_question(play: Play) -> do.AskOutput:
    question = play.question
    assert isinstance(question, do.AskOutput)
    return question


def test_it_is_asked_for_when_nothing_is_active_and_the_flow_waits_for_it() -> None:
    play = Play(plan(flow("main", [edge(None, "A"), edge("A", "B")], output=A_TEMPLATE)), args="given").ok("A")
    assert play.of(do.AskOutput) == []
    play.ok("B")
    assert not play.ended
    question = output_question(play)
    assert {name: [run.id for run in runs] for name, runs in question.finished.items()} == {
        "A": ["run-1"],
        "B": ["run-2"],
    }
    assert question.args == "given"
    play.answer({"parcel": None})
    assert (play.outcome.succeeded, play.outcome.has_output, play.outcome.output) == (True, True, {"parcel": None})
    assert play.outcome.state["output"] == {"parcel": None}


@pytest.mark.parametrize("value", [None, False, 0, "", [], {}])
def test_false_values_are_values(value: object) -> None:
    play = Play(plan(flow("main", [edge(None, "A")], output=A_TEMPLATE))).ok("A").answer(value)
    again = FlowOutcome.from_json(json.loads(json.dumps(play.outcome.to_json())))
    assert (again.has_output, again.output) == (True, value)
    assert again.to_json() == play.outcome.to_json()


def test_a_flow_without_it_has_none() -> None:
    outcome = Play(plan(flow("main", [edge(None, "A")]))).ok("A").outcome
    assert not outcome.has_output
    assert "output" not in outcome.to_json()
    assert "output" not in outcome.state


def test_a_flow_that_fails_asks_for_none() -> None:
    play = Play(plan(flow("main", [edge(None, "A")], output=A_TEMPLATE))).fail("A")
    assert play.of(do.AskOutput) == []
    assert not play.outcome.has_output


def test_propagate_failure_and_unreached_nodes_come_first() -> None:
    rows, entries = [edge(None, "A")], [failure("A", "F", propagate_failure=True)]
    play = Play(plan(flow("main", rows, entries, output=A_TEMPLATE))).fail("A").ok("F")
    assert play.of(do.AskOutput) == []
    rows = [edge(None, "A"), edge("A Never", "B")]
    play = Play(plan(flow("main", rows, output=A_TEMPLATE)), on_unreached="fail").ok("A")
    assert play.of(do.AskOutput) == []
    assert play.outcome.unreached == ("B",)
    play = Play(plan(flow("main", rows, output=A_TEMPLATE))).ok("A")
    assert play.notes("NODE_UNREACHED") == []
    play.answer(1)
    assert play.notes("NODE_UNREACHED") == [{"node_name": "B"}]
    assert (play.outcome.output, play.outcome.unreached) == (1, ("B",))


def test_an_output_that_cannot_be_worked_out_fails_the_attempt_and_retries_apply() -> None:
    play = Play(plan(flow("main", [edge(None, "A")], max_retry=1, output=A_TEMPLATE))).ok("A")
    play.feed(on.QuestionFailed(play.question.question, "A is missing"))
    assert play.outcome.reason == "A is missing"
    play.feed(on.RetryDue()).ok("A")
    assert [run.id for run in output_question(play).finished["A"]] == ["run-2"]  # of this attempt only
    assert play.answer(1).outcome.output == 1


def test_a_storage_that_is_away_defers() -> None:
    play = Play(plan(flow("main", [edge(None, "A")], output=A_TEMPLATE))).ok("A")
    play.feed(on.QuestionDeferred(play.question.question, "away"))
    (again,) = play.effects
    assert isinstance(again, do.AskAgain)
    assert not play.ended
    assert play.answer(1).outcome.succeeded


def test_a_stop_drops_the_question() -> None:
    for stop in (on.FlowCancelled(), on.DeadlinePassed()):
        play = Play(plan(flow("main", [edge(None, "A")], output=A_TEMPLATE))).ok("A").feed(stop)
        assert play.ended
        assert not play.outcome.has_output
        assert play.answer_late(1) == []


def test_runs_that_the_flow_does_not_wait_for_are_in_none() -> None:
    play = Play(plan(flow("main", [edge(None, "A N")], nowait="N", output=A_TEMPLATE))).ok("N", "A")
    assert list(output_question(play).finished) == ["A"]


def test_a_flow_that_starts_nothing_has_an_output() -> None:
    play = Play(plan(flow("main", [edge(None, "A", foreach=True)], output=A_TEMPLATE))).answer([])
    assert output_question(play).finished == {}
    assert play.answer([]).outcome.output == []


def test_results_are_in_the_order_of_the_items_whatever_finished_first() -> None:
    """The condition is false for one of three runs of Check, so two runs of Publish are left, in order."""
    rows = [edge(None, "Check", foreach=True), edge("Check", "Publish", condition=True)]
    for order in ([2, 0, 1], [0, 1, 2], [1, 2, 0]):
        play = Play(plan(flow("main", rows, output=A_TEMPLATE))).answer(["p", "q", "r"])
        checks = [start.node_run for start in play.starts("Check")]
        for position in order:
            play.feed(on.NodeSucceeded(checks[position].number)).answer(position != 1)
        play.ok("Publish", "Publish")
        finished = output_question(play).finished
        assert [run.position for run in finished["Check"]] == [0, 1, 2]
        assert [run.sources[0].position for run in finished["Publish"]] == [0, 2]


def test_nearer_runs_come_first_then_the_order_of_their_sources_then_that_of_the_file() -> None:
    rows = [
        edge(None, "A B"),
        edge("B", "X"),
        edge("A", "X"),
        edge("A", "Y"),
        edge("Y", "X"),
        edge(None, "X"),
    ]
    for seed in range(20):
        made = plan(flow("main", rows, output=A_TEMPLATE))
        simulation = Simulation(made, "main", Script(fails=0), Random(seed), check=True).run()
        (asked,) = [q for q in simulation.questions.values() if isinstance(q, do.AskOutput)]
        names = [[source.name for source in run.sources] for run in asked.finished["X"]]
        assert names == [[], ["A"], ["B"], ["Y"]]


def test_the_outcome_of_a_sub_flow_brings_its_output() -> None:
    of_inner = FlowOutcome(True, {}, {}, [], {}).with_output({"shelves": []})
    play = Play(plan(flow("main", [edge(None, "S")]), subflows="S")).ok("S", outcome=of_inner)
    again = FlowOutcome.from_json(json.loads(json.dumps(play.outcome.to_json())))
    assert again.subflows["S"][0].output == {"shelves": []}
