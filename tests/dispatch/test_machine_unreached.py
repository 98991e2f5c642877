"""Nodes that never had a chance: dead joins are reported, everything that has an explanation is not."""

from __future__ import annotations

import pytest

from selinon_core.dispatch import SelectiveRun
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.plan import EdgePlan
from tests.dispatch.plans import edge, failure, flow, plan
from tests.dispatch.play import Play

#: D waits for C and C for D; E waits for both, F for E.
DEAD = [edge(None, "A B"), edge("A C", "D"), edge("B D", "C"), edge("C D", "E"), edge("E", "F")]


def test_a_dead_join_is_reported_in_the_order_of_the_file() -> None:
    play = Play(plan(flow("main", DEAD))).ok("A", "B")
    assert play.outcome.succeeded
    assert play.outcome.unreached == ("D", "C", "E", "F")
    assert play.notes("NODE_UNREACHED") == [{"node_name": name} for name in ("D", "C", "E", "F")]
    assert isinstance(play.effects[-1], do.FinishFlow)


def test_it_may_be_ignored_or_a_failure() -> None:
    assert Play(plan(flow("main", DEAD)), on_unreached="ignore").ok("A", "B").outcome.unreached == ()
    play = Play(plan(flow("main", DEAD, max_retry=1)), on_unreached="fail").ok("A", "B")
    assert not play.ended
    play.feed(on.RetryDue()).ok("A", "B")
    assert not play.outcome.succeeded
    assert play.outcome.unreached == ("D", "C", "E", "F")
    assert "D, C, E, F" in str(play.outcome.reason)
    assert play.outcome.finished == {"A": ["run-3"], "B": ["run-4"]}


def test_a_failed_flow_reports_none() -> None:
    assert Play(plan(flow("main", DEAD))).ok("A").fail("B").outcome.unreached == ()


@pytest.mark.parametrize("on_unreached", ["warn", "fail"])
def test_nothing_is_reported_behind_a_false_condition(on_unreached: str) -> None:
    edges = [edge(None, "A B"), edge("A", "C", condition=True), edge("C", "D"), edge("B D", "E"), edge("E", "F")]
    play = Play(plan(flow("main", edges)), on_unreached=on_unreached).ok("A", "B").answer(False)
    assert play.outcome.succeeded
    assert play.outcome.unreached == ()


def test_nothing_is_reported_behind_a_false_starting_condition() -> None:
    edges = [edge(None, "A"), edge(None, "B", condition=True), edge("A B", "C")]
    assert Play(plan(flow("main", edges))).ok("A").answer(False).outcome.unreached == ()


def test_a_loop_that_was_not_entered_is_no_dead_join() -> None:
    edges = [edge(None, "A"), edge("A", "B", condition=True), edge("B", "C"), edge("C", "B", condition=True)]
    assert Play(plan(flow("main", edges))).ok("A").answer(False).outcome.unreached == ()


def test_nothing_is_reported_behind_an_empty_foreach() -> None:
    edges = [edge(None, "A"), edge("A", "B", foreach=True), edge("B", "C"), edge("A C", "D")]
    assert Play(plan(flow("main", edges))).ok("A").answer([]).outcome.unreached == ()


def test_nothing_is_reported_behind_a_failed_run() -> None:
    main = flow(
        "main", [edge(None, "A B"), edge("A", "C"), edge("B C", "D"), edge("D", "E")], [failure("A", None)]
    )
    play = Play(plan(main)).fail("A").ok("B")
    assert play.outcome.succeeded
    assert play.outcome.unreached == ()


def test_nothing_is_reported_behind_a_fallback_that_was_not_needed_or_failed() -> None:
    edges = [edge(None, "A B"), edge("F", "C"), edge("B C", "D")]
    failures = [failure("A", "F"), failure("F", None)]
    main = plan(flow("main", edges, failures))
    assert Play(main).ok("A", "B").outcome.unreached == ()
    assert Play(main).fail("A").ok("B").fail("F").outcome.unreached == ()


@pytest.mark.parametrize(
    "behind",
    [
        [edge("B", "B", condition=True)],
        [edge("B", "C"), edge("C", "B", condition=True)],
        [edge("B", "C"), edge("C", "E"), edge("E", "C B", condition=True)],
        [edge("B", "C"), edge("A C", "E"), edge("E", "B", condition=True)],
        [edge("B A", "C"), edge("C", "B")],
        [edge("B", "G"), edge("G", "B C"), edge("C", "B")],
    ],
    ids=["itself", "cycle", "longer", "join behind it", "join with it", "two ways back"],
)
@pytest.mark.parametrize("on_unreached", ["warn", "fail"])
def test_a_fallback_that_only_its_own_cycle_leads_back_to_was_not_needed(
    behind: list[EdgePlan], on_unreached: str
) -> None:
    main = plan(flow("main", [edge(None, "A"), *behind], [failure("A", "B")]))
    outcome = Play(main, on_unreached=on_unreached).ok("A").outcome
    assert outcome.succeeded
    assert outcome.unreached == ()


def test_a_dead_join_beside_a_fallback_that_an_edge_started_is_reported() -> None:
    main = plan(flow("main", [*DEAD, edge("B", "G")], [failure("A", "G")]))
    assert Play(main).ok("A", "B", "G").outcome.unreached == ("D", "C", "E", "F")


def test_a_node_started_by_a_fallback_was_reached() -> None:
    edges = [edge(None, "A B"), edge("B D", "C"), edge("C", "D", condition=True)]
    main = plan(flow("main", edges, [failure("A", "D")]))
    play = Play(main).fail("A").ok("B", "D", "C").answer(False)
    assert play.outcome.succeeded
    assert play.outcome.unreached == ()


def test_a_nowait_node_was_reached() -> None:
    main = flow("main", [edge(None, "A N")], nowait="N")
    assert Play(plan(main)).ok("A").outcome.unreached == ()


# -- selective runs ---------------------------------------------------------------------------------------------


def test_nothing_is_reported_on_or_behind_an_omitted_edge() -> None:
    edges = [edge(None, "A"), edge(None, "Z"), edge("A", "B"), edge("B", "C"), edge("A Z", "D")]
    selective = SelectiveRun(("A",), {"main": {0: ("A",)}})
    assert Play(plan(flow("main", edges)), selective=selective).ok("A").outcome.unreached == ()


def test_nothing_is_reported_on_or_behind_an_omitted_destination() -> None:
    edges = [edge(None, "A B"), edge("B", "C"), edge("A", "D")]
    selective = SelectiveRun(("A", "D"), {"main": {0: ("A",), 2: ("D",)}})
    play = Play(plan(flow("main", edges)), selective=selective).ok("A", "D")
    assert play.outcome.unreached == ()


def test_an_omitted_edge_explains_although_its_sources_never_ended() -> None:
    selective = SelectiveRun(("A",), {"main": {0: ("A",)}})
    play = Play(plan(flow("main", DEAD)), selective=selective).ok("A")
    assert play.outcome.succeeded
    assert play.outcome.unreached == ()
