"""The ways in which small flows can end, counted by hand."""

from __future__ import annotations

from pathlib import Path

from selinon_core.exploring import Goal
from tests.exploring.flows_in_yaml import explored, shown


def test_an_eager_failure_can_come_at_any_moment(tmp_path: Path) -> None:
    flows = """
  - name: main
    eager_failures: Watch
    edges: [{from: , to: [Watch, A]}, {from: A, to: B}]
"""
    found = explored(tmp_path, flows, "Watch A B", failures=1)
    assert shown(found) == {("success", "A B Watch"), ("failure", "A Watch"), ("failure", "A B Watch")}
    reasons = {key.reason for key in found.outcomes}
    assert "Watch failed and is listed in eager_failures" in reasons


def test_a_time_out_counts_as_a_failure(tmp_path: Path) -> None:
    flows = """
  - name: main
    timeout: 60
    edges: [{from: , to: A}, {from: A, to: B}]
"""
    assert shown(explored(tmp_path, flows, "A B", failures=0)) == {("success", "A B")}
    assert shown(explored(tmp_path, flows, "A B", failures=1)) == {
        ("success", "A B"),
        ("failure", "A"),
        ("failure", "A B"),
        ("timeout", "A"),
        ("timeout", "A B"),
    }


def test_contradicting_conditions_are_never_true_together(tmp_path: Path) -> None:
    flows = """
  - name: main
    edges:
      - {from: , to: A}
      - {from: A, to: B, condition: {name: fieldGreater, args: {key: n, value: 3}}}
      - {from: A, to: C, condition: {name: fieldLess, args: {key: n, value: 3}}}
"""
    found = explored(tmp_path, flows, "A B C", failures=0)
    assert shown(found) == {("success", "A B"), ("success", "A C"), ("success", "A")}
    assert list(found.silent) == ["A"]  # n is 3, or missing


def test_an_environment_variable_has_one_value(tmp_path: Path) -> None:
    flows = """
  - name: main
    edges:
      - {from: , to: A, condition: {name: envEqual, args: {env: REGION, value: api}}}
      - {from: , to: B, condition: {name: envEqual, args: {env: REGION, value: batch}}}
      - {from: , to: C, condition: {not: {name: envExist, args: {env: REGION}}}}
      - {from: , to: D, condition: {name: envExist, args: {env: OTHER}}}
"""
    found = explored(tmp_path, flows, "A B C D", failures=0)
    assert shown(found) == {("success", one) for one in ("A", "A D", "B", "B D", "C", "C D", "", "D")}


def test_a_subflow_that_is_run_sees_the_same_environment(tmp_path: Path) -> None:
    flows = """
  - name: main
    edges:
      - {from: , to: inner}
      - {from: inner, to: A, condition: {name: envEqual, args: {env: REGION, value: api}}}
  - name: inner
    edges:
      - {from: , to: B}
      - {from: B, to: B, condition: {name: envEqual, args: {env: REGION, value: api}}}
"""
    found = explored(tmp_path, flows, "A B", failures=0, inline=True, visits=2)
    assert shown(found) == {("success", "inner")}
    assert shown(explored(tmp_path, flows, "A B", failures=0)) == {("success", "inner"), ("success", "A inner")}


def test_a_function_of_the_project_can_be_true_and_false(tmp_path: Path) -> None:
    """It is called with one result: both edges get the same answer."""
    flows = """
  - name: main
    edges:
      - {from: , to: A}
      - {from: A, to: B, condition: &ready {name: ready}}
      - {from: A, to: C, condition: {not: *ready}}
global: {predicates_module: checks}
"""
    assert shown(explored(tmp_path, flows, "A B C", failures=0)) == {("success", "A B"), ("success", "A C")}


SUBFLOW = """
  - name: main
    edges:
      - {from: , to: inner}
      - from: inner
        to: Good
        condition: {name: fieldEqual, node: [inner, Read], args: {key: unit, value: C}QUANTIFIER}
      - from: inner
        to: Bad
        condition: {not: {name: fieldEqual, node: [inner, Read], args: {key: unit, value: C}QUANTIFIER}}
  - name: inner
    edges:
      - {from: , to: Read, foreach: {import: tasks, function: files}}
"""


def test_conditions_see_results_in_subflows(tmp_path: Path) -> None:
    of_all = explored(tmp_path, SUBFLOW.replace("QUANTIFIER", ", quantifier: all"), "Read Good Bad", failures=0)
    assert shown(of_all) == {("success", "Bad inner"), ("success", "Good inner")}
    none_read = explored(
        tmp_path, SUBFLOW.replace("QUANTIFIER", ", quantifier: all"), "Read Good Bad", failures=0, items=(0,)
    )
    assert shown(none_read) == {("success", "Good inner")}  # all of nothing


def test_which_result_is_the_last_depends_on_the_order(tmp_path: Path) -> None:
    flows = SUBFLOW.replace("QUANTIFIER", "")
    last = explored(tmp_path, flows, "Read Good Bad", flow="inner", failures=0, items=(2,))
    assert last.reads_order is not None
    assert {seen.values for seen in last.ends} == {(True,), (False,)}
    alone = explored(tmp_path, flows, "Read Good Bad", flow="inner", failures=0, items=(1,))
    assert alone.reads_order is None


def test_a_flow_that_always_starts_itself_never_ends(tmp_path: Path) -> None:
    flows = """
  - name: main
    edges: [{from: , to: A}, {from: A, to: loop}, {from: loop, to: B}]
  - name: loop
    edges:
      - {from: , to: A}
      - {from: A, to: loop, condition: &more {name: fieldEqual, args: {key: more, value: true}}}
      - {from: A, to: loop, condition: {not: *more}}
"""
    found = explored(tmp_path, flows, "A B", failures=0)
    assert not found.outcomes
    assert "loop" in found.blocked
    ended = explored(tmp_path, flows, "A B", failures=1)  # by a failure of A alone
    assert {key.status for key in ended.outcomes} == {"failure"}


def test_recursion_ends_when_it_can(tmp_path: Path) -> None:
    flows = """
  - name: main
    edges:
      - {from: , to: A}
      - {from: A, to: main, condition: {name: fieldEqual, args: {key: more, value: true}}}
      - {from: main, to: B}
"""
    found = explored(tmp_path, flows, "A B", failures=0)
    assert shown(found) == {("success", "A"), ("success", "A B main")}
    assert found.is_complete


def test_a_cycle_is_cut_at_the_visits_and_known_to_be_one(tmp_path: Path) -> None:
    flows = """
  - name: main
    edges:
      - {from: , to: A}
      - {from: A, to: A, condition: &more {name: fieldEqual, args: {key: more, value: true}}}
      - {from: A, to: B, condition: {not: *more}}
"""
    found = explored(tmp_path, flows, "A B", failures=0, visits=2)
    assert shown(found) == {("success", "A B"), ("success", "A*2 B")}
    assert found.states.has_lasso
    assert found.states.endless() == []
    assert "visits" not in found.cuts  # the state was there before: nothing new can follow


def test_a_cycle_without_a_way_out_is_endless(tmp_path: Path) -> None:
    flows = """
  - name: main
    edges:
      - {from: , to: A}
      - {from: A, to: B, condition: &more {name: fieldEqual, args: {key: more, value: true}}}
      - {from: A, to: C, condition: {not: *more}}
      - {from: [B], to: A}
      - {from: [C], to: A}
"""
    found = explored(tmp_path, flows, "A B C")
    ((nodes, _),) = found.states.endless()
    assert set(nodes) == {"A", "B", "C"}


def test_goals_that_nothing_reaches_are_not_reached(tmp_path: Path) -> None:
    flows = """
  - name: main
    edges:
      - {from: , to: A}
      - {from: A, to: B, condition: {name: fieldGreater, args: {key: n, value: 3}}}
      - {from: A, to: C, condition: {name: fieldLess, args: {key: n, value: 3}}}
      - {from: [B, C], to: D}
"""
    found = explored(tmp_path, flows, "A B C D", failures=None)
    assert found.is_complete
    assert [goal for goal in found.goals if not found.is_reached(goal)] == [
        Goal("node", "D"),
        Goal("edge_fired", 3),
    ]


def test_when_the_budget_is_used_up_random_runs_follow(tmp_path: Path) -> None:
    nodes = " ".join(f"N{number}" for number in range(9))
    flows = f"  - name: main\n    edges: [{{from: , to: [{', '.join(nodes.split())}]}}]\n"
    found = explored(tmp_path, flows, nodes, failures=None, budget=100)
    assert found.is_sampled
    assert not found.is_complete
    assert found.cuts == {"budget"}
    assert found.tapes == 100
    failing = {name for key in found.outcomes for name in key.failing}
    assert failing == set(nodes.split())  # not only those that depth first search came to


LISTED = """
  - name: main
    edges:
      - {from: , to: A}
      - {from: A, to: B, foreach: A.lines, condition: len(A.lines) > 0}
      - {from: A, to: C, condition: len(A.lines) == 0}
"""


def test_a_list_is_as_long_as_the_conditions_on_it_say(tmp_path: Path) -> None:
    found = explored(tmp_path, LISTED, "A B C", failures=0)
    assert shown(found) == {("success", "A B"), ("success", "A B*2"), ("success", "A C")}
    assert not found.silent


def test_a_list_that_has_to_be_longer_than_what_is_tried_is(tmp_path: Path) -> None:
    found = explored(tmp_path, LISTED.replace("> 0", "> 3").replace("== 0", "<= 3"), "A B C", failures=0)
    assert shown(found) == {("success", "A B*4"), ("success", "A C")}


def test_a_condition_behind_a_foreach_sees_the_list_that_it_had(tmp_path: Path) -> None:
    flows = LISTED.replace(", condition: len(A.lines) > 0", "") + (
        "      - {from: B, to: D, condition: len(A.lines) > 1}\n"
    )
    found = explored(tmp_path, flows, "A B C D", failures=0)
    assert shown(found) == {("success", "A C"), ("success", "A B"), ("success", "A B*2 D*2")}


def test_a_list_of_the_arguments_too(tmp_path: Path) -> None:
    flows = """
  - name: main
    edges:
      - {from: , to: A, foreach: args.lines, condition: len(args.lines) > 1}
      - {from: , to: C, condition: len(args.lines) <= 1}
"""
    assert shown(explored(tmp_path, flows, "A C", failures=0)) == {("success", "A*2"), ("success", "C")}
