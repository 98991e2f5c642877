"""Arguments that edges and fallbacks work out: when they are asked for, what starts, and what fails at once."""

from __future__ import annotations

from typing import Any

import pytest

from selinon_core.dispatch import NodeRun, SelectiveRun
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.ancestors import failed_run_meant, runs_meant
from selinon_core.errors import UnexpectedEvent
from tests.dispatch.plans import edge, failure, flow, plan
from tests.dispatch.play import Play


def args_question(play: Play) -> do.AskArgs:
    question = play.question
    assert isinstance(question, do.AskArgs)
    return question


def given(play: Play, name: str) -> list[Any]:
    return [start.node_run.args for start in play.starts(name)]


def refused(play: Play) -> list[NodeRun]:
    return [effect.node_run for effect in play.of(do.FailNode)]


# -- what is asked ----------------------------------------------------------------------------------------------


def test_nodes_start_when_their_arguments_are_known() -> None:
    play = Play(plan(flow("main", [edge(None, "A"), edge("A", "B C", args=True)])), args={"n": 1}).ok("A")
    assert play.new_names == []
    question = args_question(play)
    assert (question.items, list(question.positions), question.destinations) == (None, [0], ("B", "C"))
    assert [run.name for run in question.sources] == ["A"]
    assert question.args == {"n": 1}
    assert play.answer([[0, {"m": 2}]]).new_names == ["B", "C"]
    assert given(play, "B") == given(play, "C") == [{"m": 2}]
    assert play.ok("B", "C").outcome.succeeded


def test_the_condition_and_foreach_are_asked_before() -> None:
    rows = [edge(None, "A", condition=True, foreach=True, args=True)]
    play = Play(plan(flow("main", rows)))
    assert isinstance(play.question, do.AskCondition)
    play.answer(True)
    assert isinstance(play.question, do.AskForeach)
    assert play.question.needs_items
    question = args_question(play.answer(["p", "q"]))
    assert (question.items, list(question.positions)) == (["p", "q"], [0, 1])
    play.answer([[0, 1], [0, 2]])
    assert [(run.args, run.position) for run in play.machine.active] == [(1, 0), (2, 1)]


@pytest.mark.parametrize("items", [[], None])
def test_without_items_nothing_is_asked_and_nothing_fails(items: Any) -> None:
    play = Play(plan(flow("main", [edge(None, "A", foreach=True, args=True)]))).answer(items)
    assert play.outcome.succeeded
    assert play.outcome.unreached == ()


def test_repeated_destinations_get_equal_arguments_for_each_item() -> None:
    play = Play(plan(flow("main", [edge(None, "A A B", foreach=True, propagate_result=True, args=True)])))
    play.answer(["p", "q", "r"]).answer([[0, 10], [0, 11], [0, 12]])
    assert len(play.starts()) == 9
    assert given(play, "A") == [10, 10, 11, 11, 12, 12]
    assert [start.node_run.position for start in play.starts("B")] == [0, 1, 2]


def test_every_combination_of_a_join_has_arguments_of_its_own() -> None:
    play = Play(plan(flow("main", [edge(None, "A A B B"), edge("A B", "C", args=True)])))
    play.ok("A", "A", "B", "B")
    combinations = []
    for number in range(4):
        combinations.append([run.number for run in args_question(play).sources])
        play.answer([[0, number]])
    assert sorted(combinations) == [[1, 3], [1, 4], [2, 3], [2, 4]]
    assert given(play, "C") == [0, 1, 2, 3]


def test_sub_flows_take_arguments_that_are_worked_out() -> None:
    rows = [edge(None, "A"), edge("A", "S", args=True)]
    play = Play(plan(flow("main", rows), subflows="S"), args="of the flow").ok("A").answer([[0, "its own"]])
    assert play.subflow("S").node_run.args == "its own"


def test_arguments_of_the_flow_are_those_of_the_first_result() -> None:
    rows = [edge(None, "A"), edge("A", "B", args=True)]
    play = Play(plan(flow("main", rows, node_args_from_first=True)), args="given").ok("A").answer("of A")
    assert args_question(play).args == "of A"


def test_arguments_of_the_first_node_are_worked_out_like_any() -> None:
    play = Play(plan(flow("main", [edge(None, "A", args=True)], node_args_from_first=True)), args="given")
    assert args_question(play).args == "given"
    play.answer([[0, "its own"]]).ok("A")
    assert isinstance(play.question, do.AskFirstResult)


def test_nodes_that_are_not_waited_for_get_them_too() -> None:
    play = Play(plan(flow("main", [edge(None, "A"), edge("A", "N", args=True)], nowait="N"))).ok("A")
    assert not play.ended
    play.answer([[0, "its own"]])
    assert given(play, "N") == ["its own"]
    assert play.ended


# -- what cannot be worked out ----------------------------------------------------------------------------------


def test_a_node_without_arguments_fails_at_once_and_others_go_on() -> None:
    rows = [edge(None, "A"), edge("A", "B", args=True), edge("A", "C"), edge("B", "D")]
    play = Play(plan(flow("main", rows))).ok("A").answer([[1, "no total"]])
    (run,) = refused(play)
    assert (run.name, run.number, run.id, run.status, run.refused) == ("B", 3, "run-3", "failure", "no total")
    assert (run.args, run.edge, [source.name for source in run.sources]) == (None, 1, ["A"])
    assert "B" not in play.names
    assert play.machine.unhandled == {"B": [run]}
    assert play.start("C").node_run.number == 2
    play.ok("C")
    assert not play.outcome.succeeded
    assert play.outcome.failed == {"B": ["run-3"]}
    assert play.outcome.reason == "no fallback applies to the failed nodes: B"


def test_its_fallback_is_used() -> None:
    rows = [edge(None, "A"), edge("A", "B", args=True), edge("F", "G")]
    play = Play(plan(flow("main", rows, [failure("B", "F")]))).ok("A").answer([[1, "no total"]])
    assert play.new_names == ["F"]
    start = play.start("F")
    assert start.node_run.failures == {"B": ["run-2"]}
    assert start.parent == {"A": "run-1"}
    assert play.ok("F", "G").outcome.succeeded


def test_an_eager_failure_of_it_fails_the_attempt() -> None:
    rows = [edge(None, "A X"), edge("A", "B C B", args=True)]
    play = Play(plan(flow("main", rows, eager_failures="B"))).ok("A").answer([[0, 1, {"B": "unfit"}]])
    assert [run.name for run in refused(play)] == ["B", "B"]
    assert play.names == ["A", "X", "C"]
    assert play.notes("EAGER_FAILURE") == [{"node_name": "B", "node_id": "run-3"}]
    assert play.outcome.reason == "B failed and is listed in eager_failures"
    assert play.outcome.failed == {"B": ["run-3", "run-5"]}
    assert [node["name"] for node in play.outcome.active] == ["X", "C"]


def test_an_item_without_arguments_fails_alone() -> None:
    play = Play(plan(flow("main", [edge(None, "A B", foreach=True, args=True)])))
    play.answer(["p", "q"]).answer([[1, "no price"], [0, 2]])
    assert [(run.name, run.position) for run in refused(play)] == [("A", 0), ("B", 0)]
    assert [(run.name, run.position) for run in play.machine.active] == [("A", 1), ("B", 1)]


def test_a_destination_that_cannot_take_them_fails_alone() -> None:
    play = Play(plan(flow("main", [edge(None, "A B", args=True)]))).answer(
        [[0, 7, {"B": "7 is not of type object"}]]
    )
    assert [(run.name, run.refused, run.args) for run in refused(play)] == [("B", "7 is not of type object", None)]
    assert given(play, "A") == [7]


def test_a_failure_of_a_node_that_is_not_waited_for_changes_nothing() -> None:
    play = Play(plan(flow("main", [edge(None, "A"), edge("A", "N", args=True)], nowait="N"))).ok("A")
    play.answer([[1, "no total"]])
    assert [run.name for run in refused(play)] == ["N"]
    assert play.outcome.succeeded
    assert play.machine.incomplete == 0


def test_a_node_that_was_refused_was_started_when_unreached_nodes_are_looked_for() -> None:
    rows = [edge(None, "A"), edge("A", "B", args=True), edge("B", "C")]
    play = Play(plan(flow("main", rows, [failure("B", None)]))).ok("A").answer([[1, "no total"]])
    assert play.outcome.succeeded
    assert play.outcome.unreached == ()


# -- fallbacks --------------------------------------------------------------------------------------------------


def test_fallbacks_start_when_their_arguments_are_known() -> None:
    rows = [edge(None, "A"), edge("A", "X")]
    play = Play(plan(flow("main", rows, [failure("X", "F G", args=True)])), args="given").ok("A").fail("X")
    question = args_question(play)
    assert (question.destinations, question.items, question.args) == (("F", "G"), None, "given")
    assert [run.name for run in question.sources] == ["X"]
    assert play.notes("FALLBACK_START") == []
    play.answer([[0, "its own"]])
    assert given(play, "F") == given(play, "G") == ["its own"]
    assert play.start("F").parent == {"A": "run-1"}
    (note,) = play.notes("FALLBACK_START")
    assert [run.name for run in note["started"]] == ["F", "G"]
    assert play.ok("F", "G").outcome.succeeded


def test_a_fallback_without_arguments_fails_and_may_have_a_fallback() -> None:
    entries = [failure("X", "F", args=True), failure("F", "H")]
    play = Play(plan(flow("main", [edge(None, "X")], entries))).fail("X").answer([[1, "no reason"]])
    assert [run.name for run in refused(play)] == ["F"]
    assert [[run.name for run in note["started"]] for note in play.notes("FALLBACK_START")] == [["F"], ["H"]]
    assert play.ok("H").outcome.succeeded


def test_other_entries_do_not_wait_for_the_arguments_of_one() -> None:
    entries = [failure("X", "F", args=True), failure("X", "G"), failure("Y", "H", args=True)]
    play = Play(plan(flow("main", [edge(None, "X Y")], entries))).fail("X", "Y")
    assert play.names == ["X", "Y", "G"]
    assert [question.destinations for question in play.of(do.AskArgs)] == [("F",), ("H",)]
    play.answer([[0, 1]], [[0, 2]])
    assert play.ok("F", "G", "H").outcome.succeeded


def test_an_entry_that_starts_nothing_asks_nothing() -> None:
    play = Play(plan(flow("main", [edge(None, "X")], [failure("X", None, args=True)]))).fail("X")
    assert play.of(do.AskArgs) == []
    assert play.outcome.succeeded


def test_what_names_mean_for_a_fallback_and_the_edges_behind_it() -> None:
    rows = [edge(None, "Source"), edge("Source", "X"), edge("F", "G", args=True)]
    play = Play(plan(flow("main", rows, [failure("X", "F", args=True)]))).ok("Source").fail("X")
    for behind in ("F", "G"):
        sources = args_question(play).sources
        assert [run.name for run in runs_meant(sources, "Source")] == ["Source"], behind
        assert runs_meant(sources, "X") == ()
        failed = failed_run_meant(sources, "X")
        assert failed is not None
        assert failed.id == "run-2"
        play.answer([[0, 1]])
        if behind == "F":
            play.ok("F")


# -- what may happen meanwhile ----------------------------------------------------------------------------------


def test_an_eager_failure_drops_the_question_and_nothing_starts() -> None:
    rows = [edge(None, "A X"), edge("A", "B", args=True)]
    play = Play(plan(flow("main", rows, eager_failures="X"))).ok("A").fail("X")
    assert play.ended
    assert play.answer_late([[0, 1]]) == []
    assert "B" not in play.names


def test_a_storage_that_is_away_defers_and_the_flow_is_not_idle() -> None:
    play = Play(plan(flow("main", [edge(None, "A"), edge("A", "B", args=True)]))).ok("A")
    question = args_question(play)
    for times in (1, 2):
        play.feed(on.QuestionDeferred(question.question, "away"))
        (again,) = play.effects
        assert isinstance(again, do.AskAgain)
        assert (again.asked, again.deferrals, again.reason) == (question, times, "away")
    assert not play.ended
    assert play.answer([[0, 1]]).new_names == ["B"]


def test_a_question_that_can_never_be_answered_fails_the_attempt() -> None:
    play = Play(plan(flow("main", [edge(None, "A", args=True)])))
    play.feed(on.QuestionFailed(play.question.question, "put off too often"))
    assert play.outcome.reason == "put off too often"


def test_a_retry_of_the_flow_asks_anew_with_the_arguments_as_first_given() -> None:
    rows = [edge(None, "A"), edge("A", "B", args=True)]
    play = Play(plan(flow("main", rows, max_retry=1)), args="given").ok("A").answer([[1, "no total"]])
    play.feed(on.RetryDue()).ok("A")
    question = args_question(play)
    assert question.args == "given"
    assert [run.number for run in question.sources] == [3]
    assert [run.number for run in runs_meant(question.sources, "A")] == [3]
    assert play.answer([[0, 1]]).ok("B").outcome.succeeded


def test_a_cancellation_drops_the_question() -> None:
    play = Play(plan(flow("main", [edge(None, "A", args=True)]))).feed(on.FlowCancelled())
    assert play.outcome.cancelled
    assert play.answer_late([[0, 1]]) == []


@pytest.mark.parametrize("answer", [[], [[0, 1]], [[0, 1], [0, 2], [0, 3]]])
def test_an_answer_for_another_number_of_items_is_refused(answer: Any) -> None:
    play = Play(plan(flow("main", [edge(None, "A", foreach=True, args=True)]))).answer(["p", "q"])
    with pytest.raises(UnexpectedEvent, match="about 2 items"):
        play.answer(answer)
    assert play.answer([[0, 1], [0, 2]]).new_names == ["A", "A"]


# -- selective runs ---------------------------------------------------------------------------------------------


def test_arguments_are_worked_out_when_it_is_known_that_no_earlier_run_is_reused() -> None:
    rows = [edge(None, "A B", foreach=True, propagate_result=True, args=True), edge("A", "C", args=True)]
    selective = SelectiveRun(("B", "C"), {"main": {0: ("A", "B"), 1: ("C",)}})
    play = Play(plan(flow("main", rows)), selective=selective, args="given").answer(["p", "q"])
    reuse = play.of(do.AskReuse)
    assert [(asked.name, asked.args, asked.task_args, asked.position) for asked in reuse] == [
        ("A", "p", None, 0),
        ("A", "q", None, 1),
    ]
    asked = [(q.destinations, q.items, list(q.positions)) for q in play.of(do.AskArgs)]
    assert asked == [(("B",), ["p"], [0]), (("B",), ["q"], [1])]
    for question in play.machine.open_questions:
        if isinstance(question, do.AskReuse):
            play.feed(on.ReuseAnswered(question.question, "earlier" if question.args == "p" else None))
    behind_reused, for_a = play.of(do.AskArgs)[2:]
    assert (behind_reused.destinations, [run.id for run in behind_reused.sources]) == (("C",), ["earlier"])
    assert (for_a.destinations, for_a.items, list(for_a.positions)) == (("A",), ["q"], [1])
    play.feed(on.ArgsAnswered(for_a.question, [[0, "of q"]]))
    assert given(play, "A") == ["of q"]


def test_without_foreach_the_arguments_of_selected_nodes_are_asked_for_once() -> None:
    selective = SelectiveRun(("A", "B"), {"main": {0: ("A", "B")}})
    play = Play(plan(flow("main", [edge(None, "A B C", args=True)])), selective=selective)
    question = args_question(play)
    assert (question.items, question.destinations) == (None, ("A", "B"))
    assert play.answer([[0, 1]]).new_names == ["A", "B"]


# -- the flow's own arguments -----------------------------------------------------------------------------------


def test_arguments_that_do_not_fit_the_flow_fail_it_at_once_without_retries() -> None:
    play = Play(plan(flow("main", [edge(None, "A")], max_retry=3)), refused="number is missing")
    (end,) = play.effects
    assert isinstance(end, do.FinishFlow)
    assert play.ended
    assert (play.outcome.succeeded, play.outcome.reason) == (False, "number is missing")
    assert (play.outcome.finished, play.outcome.failed, play.outcome.active) == ({}, {}, [])
