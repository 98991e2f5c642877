"""Selective runs in the machine: what is left out, what is reused, what is handed on to sub-flows."""

from __future__ import annotations

from typing import Any

from selinon_core.dispatch import SelectiveRun
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.plan import Selective
from tests.dispatch.plans import edge, failure, flow, plan
from tests.dispatch.play import Play


def chain(selective: SelectiveRun, **options: Any) -> Play:
    edges = [edge(None, "A X"), edge("A", "B"), edge("B", "C"), edge("A", "D")]
    return Play(plan(flow("main", edges, **options)), args={"flow": 1}, selective=selective)


ON_THE_WAY = {0: ("A",), 1: ("B",), 2: ("C",)}


def test_only_selected_edges_and_destinations_are_started() -> None:
    play = chain(SelectiveRun(("A", "B", "C"), {"main": ON_THE_WAY})).ok("A", "B", "C")
    assert play.names == ["A", "B", "C"]
    assert play.outcome.succeeded
    (omitted,) = play.notes("SELECTIVE_OMIT_NODE")
    assert omitted == {"edge": 0, "omitted_node": "X", "parent": {}, "node_args": {"flow": 1}}
    assert play.notes("SELECTIVE_OMIT_EDGE") == [{"edge": 3}]


def test_an_edge_without_destinations_named_starts_all() -> None:
    assert chain(SelectiveRun(("A", "X"), {"main": {0: ()}})).names == ["A", "X"]


def test_a_task_that_was_not_named_may_be_run_or_reused() -> None:
    play = chain(SelectiveRun(("C",), {"main": ON_THE_WAY}))
    question = play.question
    assert isinstance(question, do.AskReuse)
    assert (question.name, question.tasks, question.args) == ("A", ("C",), {"flow": 1})
    play.answer("old-a")
    assert play.new_names == []
    (reuse,) = play.of(do.ReuseNode)
    assert (reuse.node_run.name, reuse.node_run.id, reuse.node_run.status) == ("A", "old-a", "reused")
    assert play.answer(None).new_names == ["B"]
    assert play.start("B").parent == {"A": "old-a"}
    play.ok("B", "C")
    assert play.outcome.finished == {"A": ["old-a"], "B": ["run-2"], "C": ["run-3"]}


def test_everything_may_be_reused() -> None:
    play = chain(SelectiveRun(("Z",), {"main": ON_THE_WAY})).answer("old-a", "old-b", "old-c")
    assert play.outcome.succeeded
    assert play.names == []


def test_a_reused_first_task_gives_the_arguments() -> None:
    edges = [edge(None, "A"), edge("A", "B")]
    selective = SelectiveRun(("B",), {"main": {0: ("A",), 1: ("B",)}})
    play = Play(plan(flow("main", edges, node_args_from_first=True)), args="given", selective=selective)
    play.answer("old-a")
    question = play.question
    assert isinstance(question, do.AskFirstResult)
    assert question.node_run.id == "old-a"
    assert play.answer("first").start("B").node_run.args == "first"


def test_under_foreach_the_selective_function_gets_the_item_and_the_task_what_it_always_gets() -> None:
    for propagate_result, expected in ((True, ["x", "y"]), (False, ["flow", "flow"])):
        edges = [edge(None, "A", foreach=True, propagate_result=propagate_result)]
        selective = SelectiveRun(("Z",), {"main": {0: ("A",)}})
        play = Play(plan(flow("main", edges)), args="flow", selective=selective).answer(["x", "y"])
        questions = play.of(do.AskReuse)
        assert [question.args for question in questions] == ["x", "y"]
        play.answer(None, None)
        assert [start.node_run.args for start in play.starts("A")] == expected


def test_a_reused_run_in_a_join_counts_like_any_other() -> None:
    edges = [edge(None, "A B"), edge("A B", "C")]
    selective = SelectiveRun(("B", "C"), {"main": {0: ("A", "B"), 1: ("C",)}})
    play = Play(plan(flow("main", edges)), selective=selective).ok("B")
    assert play.answer("old-a").new_names == ["C"]
    assert play.start("C").parent == {"A": "old-a", "B": "run-1"}


def test_what_lies_behind_a_reused_run_inherits_failures_through_it() -> None:
    edges = [edge(None, "A"), edge("F", "R"), edge("R", "B")]
    main = flow("main", edges, [failure("A", "F")])
    selective = SelectiveRun(("A", "B"), {"main": {0: ("A",), 1: ("R",), 2: ("B",)}})
    play = Play(plan(main), selective=selective).fail("A").ok("F").answer("old-r")
    assert play.start("B").node_run.failures == {"A": ["run-1"]}


def test_a_reused_nowait_run_is_followed_by_nothing() -> None:
    selective = SelectiveRun(("A",), {"main": {0: ("A", "X")}})
    play = chain(selective, nowait="X").answer("old-x").ok("A")
    assert play.outcome.finished == {"A": ["run-1"]}


def test_a_reused_nowait_run_does_not_give_the_arguments() -> None:
    selective = SelectiveRun(("B",), {"main": {0: ("A",), 1: ("B",)}})
    edges = [edge(None, "A"), edge("A", "B")]
    play = Play(plan(flow("main", edges, nowait=("A",), node_args_from_first=True)), selective=selective)
    play.answer("old-a")
    assert play.outcome.succeeded, "the end of a nowait run asks nothing, nor does its reuse"


def test_a_late_answer_about_reuse_is_ignored() -> None:
    play = chain(SelectiveRun(("C",), {"main": ON_THE_WAY})).feed(on.FlowCancelled())
    assert play.answer_late("old-a") == []


def test_subflows_go_on_selectively_or_run_completely() -> None:
    selective = SelectiveRun(("T",), {"main": {0: ("S", "R")}, "S": {0: ("STask",)}})
    play = Play(plan(flow("main", [edge(None, "S R")]), subflows="S R"), selective=selective)
    assert play.subflow("S").selective is selective
    assert play.subflow("R").selective is None


def test_an_edge_s_own_selective_run_replaces_the_inherited_one() -> None:
    own = Selective(("STask",), False, False)
    main = plan(flow("main", [edge(None, "S", selective=own)]), subflows="S")
    expected = SelectiveRun(("STask",), {"S": {0: ("STask",)}})
    assert Play(main).subflow("S").selective == expected
    inherited = SelectiveRun(("T",), {"main": {0: ("S",)}, "S": {}})
    assert Play(main, selective=inherited).subflow("S").selective == expected


def test_a_fallback_is_started_in_a_selective_run_too() -> None:
    main = flow("main", [edge(None, "A"), edge("F", "B"), edge("F", "C")], [failure("A", "F")])
    selective = SelectiveRun(("A", "B"), {"main": {0: ("A",), 1: ("B",)}})
    play = Play(plan(main), selective=selective).fail("A").ok("F", "B")
    assert play.names == ["A", "F", "B"]
    assert play.outcome.succeeded


def test_a_retry_is_as_selective_as_the_first_attempt() -> None:
    play = chain(SelectiveRun(("A",), {"main": {0: ("A",)}}), max_retry=1).fail("A").feed(on.RetryDue())
    assert play.names == ["A", "A"]
