"""Rule 5: which entries of ``failures`` are used, in which order, and what becomes of the flow."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.plan import FailurePlan
from tests.dispatch.plans import edge, failure, flow, plan
from tests.dispatch.play import Play


def after_failing(nodes: str, entries: Sequence[FailurePlan], **options: object) -> Play:
    """A flow that starts these nodes, all of which fail, in this order."""
    return Play(plan(flow("main", [edge(None, nodes)], entries, **options))).fail(*nodes.split())


TABLE = [
    # what failed, the entries, the nodes started in the one step
    ("one entry", "A", [failure("A", "F")], "F"),
    ("several fallback nodes", "A", [failure("A", "F G F")], "F G F"),
    ("largest set first", "A B", [failure("A", "F"), failure("B", "G"), failure("A B", "H")], "H"),
    ("what a larger set left over", "A A B", [failure("A", "F"), failure("A B", "H")], "H F"),
    ("all entries in one step", "A B C", [failure("C", "F"), failure("A B", "G")], "G F"),
    ("equal sizes in lexical order", "C B A", [failure("B C", "G"), failure("A C", "F"), failure("B", None)], "F"),
    ("order of the file is of no matter", "B A", [failure("B", "G"), failure("A", "F")], "F G"),
    ("names are compared, not joined", "AB A Z", [failure("AB", "F"), failure("A Z", "G")], "G F"),
    ("again while failed runs are left", "A A A", [failure("A", "F")], "F F F"),
    ("pairs, then the rest", "A A A B B", [failure("A B", "F"), failure("A", "G")], "F F G"),
    ("same set twice: both on the same runs", "A", [failure("A", "F"), failure("A", "G")], "F G"),
    ("same set twice, two runs", "A A", [failure("A", "F"), failure("A", "G")], "F G F G"),
    ("true starts nothing", "A B", [failure("A", None), failure("B", "F")], "F"),
    ("true beside nodes on the same set", "A", [failure("A", None), failure("A", "F")], "F"),
    ("a fallback may be the failed node of a larger set", "A B", [failure("A B", "A")], "A"),
]


@pytest.mark.parametrize(("failed", "entries", "started"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE])
def test_entries_used(failed: str, entries: list[FailurePlan], started: str) -> None:
    play = after_failing(failed, entries)
    assert play.new_names == started.split()
    play.ok(*started.split())
    assert play.ended
    assert play.outcome.succeeded
    assert play.outcome.failed == {}


def test_what_no_entry_handles_fails_the_flow_but_only_after_the_other_fallbacks() -> None:
    play = after_failing("A B", [failure("A", "F")])
    assert play.new_names == ["F"]
    play.ok("F")
    assert not play.outcome.succeeded
    assert play.outcome.failed == {"B": ["run-2"]}
    assert play.outcome.finished == {"F": ["run-3"]}


def test_a_set_that_has_not_failed_completely_is_no_reason() -> None:
    play = after_failing("A", [failure("A B", "F")])
    assert play.new_names == []
    assert not play.outcome.succeeded


def test_the_oldest_failed_run_is_handled_first() -> None:
    play = Play(plan(flow("main", [edge(None, "A A B")], [failure("A B", "F")])))
    play.feed(on.NodeFailed(2)).feed(on.NodeFailed(1)).fail("B")
    assert [run.number for run in play.start("F").node_run.sources] == [2, 3]
    assert play.ok("F").outcome.failed == {"A": ["run-1"]}


def test_true_alone_lets_the_flow_succeed_at_once() -> None:
    play = after_failing("A A", [failure("A", None)])
    assert play.ended
    assert play.outcome.succeeded
    assert play.outcome.state == {"finished_nodes": {}, "failed_nodes": {}, "active_nodes": []}


def test_fallbacks_wait_until_nothing_is_active() -> None:
    play = Play(plan(flow("main", [edge(None, "A B"), edge("B", "C")], [failure("A", "F")])))
    play.fail("A").ok("B")
    assert play.new_names == ["C"]
    assert play.ok("C").new_names == ["F"]


def test_edges_lead_on_from_fallbacks() -> None:
    main = flow("main", [edge(None, "A B"), edge("F", "G"), edge("F B", "H")], [failure("A", "F")])
    play = Play(plan(main)).fail("A").ok("B").ok("F")
    assert play.new_names == ["G", "H"]


def test_a_fallback_may_fail_and_have_a_fallback() -> None:
    play = after_failing("A", [failure("A", "F"), failure("F", "G")]).fail("F")
    assert play.new_names == ["G"]
    assert play.ok("G").outcome.succeeded


def test_a_handled_run_is_no_part_of_a_later_combination() -> None:
    play = after_failing("A", [failure("A", "F"), failure("A F", "G")]).fail("F")
    assert play.new_names == []
    assert play.outcome.failed == {"F": ["run-2"]}


def test_what_was_left_over_may_fit_a_later_combination() -> None:
    play = after_failing("A B", [failure("A", "F"), failure("B F", "G")]).fail("F")
    assert play.new_names == ["G"]
    assert [run.name for run in play.start("G").node_run.sources] == ["B", "F"]
    assert play.ok("G").outcome.succeeded


# -- conditions -------------------------------------------------------------------------------------------------


def test_entries_of_one_set_are_evaluated_against_the_same_runs() -> None:
    entries = [failure("A", "F", condition=True), failure("A", "G", condition=True), failure("A", "H")]
    play = after_failing("A A", entries)
    assert [question.failure.index for question in play.of(do.AskFallbackCondition)] == [0, 1]
    assert play.answer(False).effects == []
    assert play.answer(True).new_names == ["G", "H", "G", "H"]
    handled = [note["handled"] for note in play.notes("FALLBACK_START")]
    assert [[run.number for run in runs] for runs in handled] == [[1], [1], [2], [2]]


def test_where_no_condition_holds_a_smaller_set_gets_its_chance() -> None:
    play = after_failing("A B", [failure("A B", "F", condition=True), failure("A", "G"), failure("B", "H")])
    assert play.answer(False).new_names == ["G", "H"]


def test_where_no_condition_holds_at_all_the_flow_fails() -> None:
    play = after_failing("A", [failure("A", "F", condition=True), failure("A", None, condition=True)])
    assert not play.answer(False, False).outcome.succeeded


def test_conditions_are_asked_for_again_in_the_next_step() -> None:
    play = after_failing("A B", [failure("A", "F", condition=True), failure("B", "G")])
    assert play.answer(False).new_names == ["G"]
    play.ok("G")
    assert isinstance(play.question, do.AskFallbackCondition)
    assert play.answer(True).new_names == ["F"]


def test_answers_may_come_in_any_order() -> None:
    entries = [failure("A", "F", condition=True), failure("B", "G", condition=True)]
    play = after_failing("A B", entries)
    play.feed(on.ConditionAnswered(2, True))
    assert play.effects == []
    assert play.feed(on.ConditionAnswered(1, True)).new_names == ["F", "G"]


def test_a_deferred_fallback_condition_holds_up_the_step() -> None:
    play = after_failing("A B", [failure("A", "F", condition=True), failure("B", "G")])
    play.feed(on.QuestionDeferred(1))
    assert [type(effect) for effect in play.effects] == [do.AskAgain]
    assert play.answer(True).new_names == ["F", "G"]


def test_fallback_conditions_see_the_arguments_of_the_flow() -> None:
    play = Play(plan(flow("main", [edge(None, "A")], [failure("A", "F", condition=True)])), args=[1]).fail("A")
    question = play.question
    assert isinstance(question, do.AskFallbackCondition)
    assert question.args == [1]
    assert play.answer(True).start("F").node_run.args == [1]


# -- nowait -----------------------------------------------------------------------------------------------------


def test_a_nowait_fallback_counts_as_started_and_the_remaining_entries_are_tried() -> None:
    play = after_failing("A B", [failure("A", "N"), failure("B", "F")], nowait="N")
    assert play.new_names == ["N", "F"]
    assert play.ok("F").outcome.succeeded
    assert play.fail("N").effects == []


def test_a_flow_with_nothing_but_a_nowait_fallback_is_over_at_once() -> None:
    play = after_failing("A", [failure("A", "N")], nowait="N")
    assert play.new_names == ["N"]
    assert play.outcome.succeeded


# -- propagate_failure ------------------------------------------------------------------------------------------


def test_propagate_failure_fails_the_flow_when_everything_else_is_handled() -> None:
    entries = [failure("A", "F", propagate_failure=True), failure("B", "G"), failure("F", "H")]
    play = after_failing("A B", entries).fail("F").ok("G", "H")
    assert not play.outcome.succeeded
    assert play.outcome.failed == {"A": ["run-1"]}
    assert play.outcome.finished == {"G": ["run-4"], "H": ["run-5"]}


def test_propagate_failure_of_an_entry_that_was_not_used_is_of_no_matter() -> None:
    entries = [failure("A", "F", condition=True, propagate_failure=True), failure("A", "G")]
    assert after_failing("A", entries).answer(False).ok("G").outcome.succeeded


def test_the_state_lists_handled_and_unhandled_runs() -> None:
    play = after_failing("A A B", [failure("A", "F", propagate_failure=True)]).ok("F", "F")
    assert play.outcome.failed == {"A": ["run-1", "run-2"], "B": ["run-3"]}


def test_a_run_handled_by_two_entries_is_listed_once() -> None:
    entries = [failure("A", "F", propagate_failure=True), failure("A", "G", propagate_failure=True)]
    assert after_failing("A", entries).ok("F", "G").outcome.failed == {"A": ["run-1"]}


def test_a_failure_that_is_propagated_is_retried() -> None:
    main = flow("main", [edge(None, "A")], [failure("A", "F", propagate_failure=True)], max_retry=1)
    play = Play(plan(main)).fail("A").ok("F")
    assert not play.ended
    play.feed(on.RetryDue()).ok("A")
    assert play.outcome.succeeded
