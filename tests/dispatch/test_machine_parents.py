"""What a node learns of the runs before it: ``parent`` and ``failures``."""

from __future__ import annotations

from typing import Any

from selinon_core.dispatch import FlowOutcome
from selinon_core.dispatch import events as on
from tests.dispatch.plans import edge, failure, flow, plan
from tests.dispatch.play import Play


def outcome(
    finished: dict[str, list[str]] | None = None,
    failed: dict[str, list[str]] | None = None,
    subflows: dict[str, list[FlowOutcome]] | None = None,
    succeeded: bool = True,
) -> FlowOutcome:
    return FlowOutcome(succeeded, finished or {}, failed or {}, [], subflows or {})


#: T once, then a sub-flow I twice (its T twice, then once) and a sub-flow without any task, then U.
DEEP = outcome(
    {"T": ["t1"], "I": ["i1", "i2"], "Empty": ["e1"], "U": ["u1"]},
    subflows={
        "I": [outcome({"T": ["t2", "t3"]}), outcome({"U": ["u2"], "T": ["t4"]})],
        "Empty": [outcome({"Hollow": ["h1"]}, subflows={"Hollow": [outcome()]})],
    },
)
NESTED = {"T": ["t1"], "I": {"T": ["t2", "t3", "t4"], "U": ["u2"]}, "U": ["u1"]}
FLAT = {"T": ["t1", "t2", "t3", "t4"], "U": ["u2", "u1"]}
OUTSIDE = {"Far": "far-1", "Flow": {"T": ["far-2"]}}


# -- by edges ---------------------------------------------------------------------------------------------------


def test_a_task_gets_the_ids_of_its_combination() -> None:
    main = flow("main", [edge(None, "A A B"), edge("A B", "C")])
    play = Play(plan(main), parent=OUTSIDE).ok("A", "B", "A")
    assert [start.parent for start in play.starts("A")] == [OUTSIDE, OUTSIDE]
    parents = [start.parent for start in play.starts("C")]
    assert parents == [{"A": "run-1", "B": "run-3"}, {"A": "run-2", "B": "run-3"}]


def test_without_a_parent_it_is_empty() -> None:
    assert Play(plan(flow("main", [edge(None, "A")]))).start("A").parent == {}


def test_a_finished_subflow_shows_up_only_if_asked_for() -> None:
    cases: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({}, {"A": "run-1"}),
        ({"propagate_finished": "S"}, {"A": "run-1", "S": NESTED}),
        ({"propagate_compound_finished": "S"}, {"A": "run-1", "S": FLAT}),
        ({"propagate_finished": "R", "propagate_failures": "S"}, {"A": "run-1"}),
    ]
    for options, expected in cases:
        main = flow("main", [edge(None, "A S"), edge("A S", "B")], **options)
        play = Play(plan(main, subflows="S")).ok("A").ok("S", outcome=DEEP)
        assert play.start("B").parent == expected


def test_a_subflow_that_finished_nothing_is_left_out() -> None:
    hollow = outcome({"I": ["i1"]}, subflows={"I": [outcome()]})
    for option in ("propagate_finished", "propagate_compound_finished"):
        for ended in (outcome(), hollow, None):
            options: dict[str, Any] = {option: "S"}
            main = flow("main", [edge(None, "S"), edge("S", "B")], **options)
            assert Play(plan(main, subflows="S")).ok("S", outcome=ended).start("B").parent == {}


def test_failed_runs_below_are_no_part_of_what_finished() -> None:
    ended = outcome({"T": ["t1"]}, {"T": ["t2"]}, {"I": [outcome({"U": ["u1"]}, succeeded=False)]})
    main = flow("main", [edge(None, "S"), edge("S", "B")], propagate_finished="S")
    assert Play(plan(main, subflows="S")).ok("S", outcome=ended).start("B").parent == {"S": {"T": ["t1"]}}


def test_a_subflow_gets_a_parent_only_if_asked_for() -> None:
    main = flow("main", [edge(None, "A S R"), edge("A", "P Q")], propagate_parent="S P")
    play = Play(plan(main, subflows="S R P Q"), parent=OUTSIDE).ok("A")
    parents = {start.node_run.name: start.parent for start in play.starts()}
    assert parents == {"A": OUTSIDE, "S": OUTSIDE, "R": {}, "P": {"A": "run-1"}, "Q": {}}


def test_parents_belong_to_their_receivers() -> None:
    main = flow("main", [edge(None, "A B"), edge("B", "C")], [failure("A", "F G")])
    play = Play(plan(main), parent=OUTSIDE).ok("B").fail("A").ok("C")
    starts = play.starts()
    for start in starts:
        expected = OUTSIDE if start.node_run.name != "C" else {"B": "run-2"}
        assert start.parent == expected
        start.parent.clear()
    assert OUTSIDE == {"Far": "far-1", "Flow": {"T": ["far-2"]}}


def test_what_lies_deep_in_a_parent_belongs_to_its_receiver_too() -> None:
    given: dict[str, Any] = {"Flow": {"T": ["far-2"]}}
    main = flow("main", [edge(None, "A B S"), edge("S", "C C")], [failure("A B", "F G")], propagate_finished="S")
    play = Play(plan(main, subflows="S"), parent=given).ok("S", outcome=DEEP).ok("C", "C").fail("A", "B")
    for start in play.starts():
        (deep,) = [value for value in start.parent.values() if isinstance(value, dict)] or [{"T": []}]
        assert deep["T"] == {"S": [], "C": ["t1"]}.get(start.node_run.name, ["far-2"])
        deep["T"].append("mine")
    assert given == {"Flow": {"T": ["far-2"]}}
    assert DEEP.finished["T"] == ["t1"]


# -- of fallbacks -----------------------------------------------------------------------------------------------


def test_a_fallback_gets_the_merged_parents_of_the_handled_runs() -> None:
    main = flow("main", [edge(None, "A B"), edge("A", "C"), edge("B", "D")], [failure("C D", "F")])
    play = Play(plan(main), parent=OUTSIDE).ok("A", "B").fail("C", "D")
    assert play.start("F").parent == {"A": "run-1", "B": "run-2"}
    assert play.start("F").node_run.failures == {"C": ["run-3"], "D": ["run-4"]}


def test_a_fallback_of_a_starting_node_gets_the_parent_of_the_flow() -> None:
    main = flow("main", [edge(None, "A B"), edge("B", "C")], [failure("A C", "F")])
    play = Play(plan(main), parent=OUTSIDE).ok("B").fail("A", "C")
    assert play.start("F").parent == {**OUTSIDE, "B": "run-2"}


def test_of_two_ids_for_one_name_the_later_started_wins() -> None:
    # whichever of A's runs ends first and whichever of them B and C come from, run-2 was started later
    edges = [edge(None, "A A"), edge("A", "B", condition=True), edge("A", "C", condition=True)]
    main = flow("main", edges, [failure("B C", "F")])
    for b_from, c_from in ((1, 2), (2, 1)):
        for first in (1, 2):
            play = Play(plan(main))
            for number in (first, 3 - first):
                play.feed(on.NodeSucceeded(number)).answer(number == b_from).answer(number == c_from)
            play.fail("B", "C")
            assert play.start("F").parent == {"A": "run-2"}


def test_an_id_of_this_flow_wins_over_one_from_outside() -> None:
    main = flow("main", [edge(None, "A Z"), edge("A", "B")], [failure("B Z", "F")])
    play = Play(plan(main), parent={"A": "outside"}).ok("A").fail("Z", "B")
    assert play.start("F").parent == {"A": "run-1"}


def test_a_fallback_of_a_fallback_inherits_parents_and_failures() -> None:
    main = flow("main", [edge(None, "A"), edge("A", "B")], [failure("B", "F"), failure("F", "G")])
    play = Play(plan(main)).ok("A").fail("B", "F")
    assert play.start("G").parent == {"A": "run-1"}
    assert play.start("G").node_run.failures == {"B": ["run-2"], "F": ["run-3"]}


def test_the_parent_of_a_failed_subflow_is_what_it_was_given() -> None:
    for flows, expected in (("S", {"A": "run-1"}), ("", {})):
        main = flow("main", [edge(None, "A"), edge("A", "S")], [failure("S", "F")], propagate_parent=flows)
        play = Play(plan(main, subflows="S")).ok("A").fail("S", outcome=outcome(succeeded=False))
        assert play.start("F").parent == expected


def test_a_subflow_as_fallback_gets_what_is_propagated() -> None:
    options = {"propagate_parent": "P", "propagate_parent_failures": "Q", "propagate_node_args": "R"}
    main = flow("main", [edge(None, "A"), edge("A", "B")], [failure("B", "P Q R")], **options)
    play = Play(plan(main, subflows="P Q R"), args=1).ok("A").fail("B")
    given = {
        start.node_run.name: (start.node_run.args, start.parent, start.node_run.failures)
        for start in play.starts()
    }
    assert given["P"] == (None, {"A": "run-1"}, None)
    assert given["Q"] == (None, {}, {"B": ["run-2"]})
    assert given["R"] == (1, {}, None)


FAILED = outcome(
    {"T": ["t1"], "I": ["i1"]},
    {"T": ["t2"], "I": ["i2"], "U": ["u1"]},
    {"I": [outcome({"T": ["t3"]}), outcome({"T": ["t4"]}, {"T": ["t5"], "U": ["u2"]}, succeeded=False)]},
    succeeded=False,
)


def test_a_failed_subflow_shows_up_only_as_deep_as_asked_for() -> None:
    for options, expected in (
        ({}, {"A": ["run-1"]}),
        (
            {"propagate_failures": "S"},
            {"A": ["run-1"], "S": {"T": ["t2"], "I": {"T": ["t5"], "U": ["u2"]}, "U": ["u1"]}},
        ),
        ({"propagate_compound_failures": "S"}, {"A": ["run-1"], "S": {"T": ["t2", "t5"], "U": ["u2", "u1"]}}),
        ({"propagate_finished": "S"}, {"A": ["run-1"]}),
    ):
        main = flow("main", [edge(None, "A S")], [failure("A S", "F")], **options)
        play = Play(plan(main, subflows="S")).fail("A").fail("S", outcome=FAILED)
        assert play.start("F").node_run.failures == expected


def test_tasks_behind_a_fallback_inherit_failures_and_others_do_not() -> None:
    main = flow(
        "main",
        [edge(None, "A B"), edge("F", "G"), edge("G", "H S R"), edge("B", "C"), edge("C G", "J")],
        [failure("A", "F")],
        propagate_parent_failures="S",
    )
    play = Play(plan(main, subflows="S R")).fail("A").ok("B", "C", "F", "G")
    failures = {start.node_run.name: start.node_run.failures for start in play.starts()}
    inherited = {"A": ["run-1"]}
    behind = {"F": inherited, "G": inherited, "H": inherited, "S": inherited, "J": inherited}
    assert failures == {"A": None, "B": None, "C": None, "R": None, **behind}


def test_failures_from_several_sides_are_merged_without_repetition() -> None:
    edges = [edge(None, "A B"), edge("F", "G H"), edge("G H K", "J")]
    play = Play(plan(flow("main", edges, [failure("A", "F"), failure("B", "K")]))).fail("A", "B")
    play.ok("F", "K", "G", "H")
    assert play.start("J").node_run.failures == {"A": ["run-1"], "B": ["run-2"]}


def test_starting_nodes_get_the_failures_that_the_flow_was_given() -> None:
    main = flow("main", [edge(None, "A S R"), edge("A", "B")], propagate_parent_failures="S")
    play = Play(plan(main, subflows="S R"), failures={"Old": ["x"]}).ok("A")
    failures = {start.node_run.name: start.node_run.failures for start in play.starts()}
    assert failures == {"A": {"Old": ["x"]}, "S": {"Old": ["x"]}, "R": None, "B": {"Old": ["x"]}}


def test_a_retry_forgets_the_failures_of_the_attempt_before() -> None:
    main = flow("main", [edge(None, "A B"), edge("B", "C")], [failure("A", "F")], max_retry=1)
    play = Play(plan(main)).fail("A").ok("B", "C").fail("F").feed(on.RetryDue()).ok("B")
    assert [start.node_run.failures for start in play.starts("C")] == [None, None]
