"""Explorations of flows with expressions: each can be true and false, and lists have any length."""

from __future__ import annotations

from pathlib import Path

import pytest

from selinon_core.exploring import Checker, Goal, Limits, ProjectModel, compare, witness_of
from selinon_core.exploring.observation import Context
from selinon_core.local import LocalExecutor, LocalOptions
from selinon_core.schemas.check import ResultSchema
from tests.exploring.flows_in_yaml import explored, plan_of, shown, summaries_of

FLOW = """
  - name: main
    edges:
      - {from: , to: A}
      - {from: A, to: B, condition: A.n > 5}
      - {from: A, to: C, condition: not A.n > 5}
      - {from: A, to: D, foreach: A.parts.lines, condition: true}
"""


def test_equal_expressions_have_equal_values(tmp_path: Path) -> None:
    ends = shown(explored(tmp_path, FLOW, "A B C D", failures=0))
    assert {runs for _, runs in ends} == {
        "A B", "A B D", "A B D*2", "A C", "A C D", "A C D*2",
    }  # fmt: skip


def test_opposites_and_nearest_runs_above_go_together(tmp_path: Path) -> None:
    flow = """
  - name: main
    edges:
      - {from: , to: A}
      - {from: A, to: B}
      - {from: [A, B], to: C, condition: A.total > args.limit}
      - {from: B, to: D, condition: args.limit >= A.total}
      - {from: C, to: E, condition: args.open}
      - {from: D, to: E, condition: not args.open}
"""
    ends = shown(explored(tmp_path, flow, "A B C D E", failures=0))
    assert {runs for _, runs in ends} == {"A B C", "A B C E", "A B D", "A B D E"}


def test_a_constant_has_one_value(tmp_path: Path) -> None:
    flow = """
  - name: main
    edges:
      - {from: , to: A}
      - {from: A, to: B, condition: false}
"""
    assert shown(explored(tmp_path, flow, "A B", failures=0)) == {("success", "A")}


@pytest.mark.parametrize(
    "goal",
    [
        Goal("edge_no", 1),
        Goal("edge_fired", 1),
        Goal("foreach_none", 3),
        Goal("foreach_one", 3),
        Goal("foreach_many", 3),
    ],
    ids=str,
)
def test_a_goal_has_a_witness_that_runs(tmp_path: Path, goal: Goal) -> None:
    plan = plan_of(tmp_path, FLOW, "A B C D")
    found = Checker(ProjectModel(plan), Limits(failures=0)).reach("main", goal, "reach it")
    assert found.witness is not None
    case = found.witness.case
    run = LocalExecutor(plan, LocalOptions(mocks=case.mocks, mock_all=True)).run("main", case.args)
    assert run.status == "success"
    [considered] = [entry for entry in run.facts.edges if entry.edge.index == goal.subject]
    if goal.kind.startswith("edge"):
        assert considered.condition is (goal.kind == "edge_fired")
    else:
        count = {"foreach_none": 0, "foreach_one": 1, "foreach_many": 2}[goal.kind]
        assert considered.items == count


ARGUMENTS = """
  - name: main
    edges:
      - {from: , to: A, args: {number: "${args.number}"}}
      - {from: A, to: inner, args: {lines: "${A.lines}", rate: "${A.rate * 2}"}}
      - {from: inner, to: B, condition: A.total > 3, args: {shelf: "${inner.shelves[1].name}", text: "no ${A.no}"}}
      - {from: A, to: C, foreach: {in: A.parts, as: part}, args: {name: "${part.name}", at: "${index}"}}
    failures:
      - {nodes: B, fallback: D, args: {why: "${failed.B.message}", sum: "${sum(one.price for one in A.lines)}"}}
  - name: inner
    edges:
      - {from: , to: E, foreach: args.lines}
    output: {shelves: "${all.E}"}
"""


@pytest.mark.parametrize(
    "goal", [Goal("edge_fired", 2), Goal("edge_no", 2), Goal("foreach_many", 3), Goal("fallback_used", 0)], ids=str
)
def test_what_arguments_read_is_in_the_results_of_a_witness(tmp_path: Path, goal: Goal) -> None:
    plan = plan_of(tmp_path, ARGUMENTS, "A B C D E")
    found = Checker(ProjectModel(plan), Limits(failures=1)).reach("main", goal, "reach it")
    assert found.witness is not None
    case = found.witness.case
    run = LocalExecutor(plan, LocalOptions(mocks=case.mocks, mock_all=True)).run("main", case.args)
    assert run.status == case.expect.status.value, run.error
    failed = {record.run.name for record in run.facts.nodes if record.run.status == "failure"}
    assert failed == ({"B"} if goal.kind == "fallback_used" else set())


PAID = """
  - name: main
    edges:
      - {from: , to: A}
      - {from: A, to: B, condition: A.total > 0}
      - {from: A, to: C, condition: A.total == 0}
      - {from: B, to: D, condition: has(A.note) and len(A.note) > 3}
      - {from: B, to: E, condition: args.express}
"""
TOTAL = ", output_schema: {type: object, required: [total], properties: {total: {type: number, minimum: 0}}}"


def test_results_decide_expressions(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, PAID, "A B C D E", A=TOTAL)
    ends = shown(summaries_of(plan, tmp_path, failures=0).explore(Context("main")))
    assert ends == {("success", runs) for runs in ("A B", "A B D", "A B E", "A B D E", "A C")}


def test_witnesses_give_results_instead_of_truths(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, PAID, "A B C D E", A=TOTAL)
    check = Checker(ProjectModel(plan, lambda task: ResultSchema.of_task(task, str(tmp_path))), Limits(failures=0))
    found = check.check("main")
    for key, choices in found.exploration.outcomes.items():
        case = witness_of(found.summaries, found.context, choices, "a case").case
        assert case.mocks.conditions == ()
        run = LocalExecutor(plan, LocalOptions(mocks=case.mocks, mock_all=True)).run("main", case.args)
        assert {node.run.name: 1 for node in run.facts.nodes} == dict(key.runs)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("A.total > 0}", "A.total >= 0}"),
        ("A.total > 0}", "A.total > 1}"),
        ("has(A.note) and len(A.note) > 3", "len(A.note) > 3"),
        ("len(A.note) > 3", "len(A.note) > 4"),
    ],
)
def test_versions_whose_expressions_differ_are_told_apart_by_a_result(
    tmp_path: Path, before: str, after: str
) -> None:
    plan = plan_of(tmp_path, PAID, "A B C D E", A=TOTAL)
    other = plan_of(tmp_path, PAID.replace(before, after), "A B C D E", A=TOTAL)
    assert compare(plan, plan, "main").is_complete
    found = compare(plan, other, "main", lambda task: ResultSchema.of_task(task, str(tmp_path)))
    assert found.difference is not None
    case = found.difference.witness.case
    assert case.mocks.conditions == ()
    runs = [
        LocalExecutor(version, LocalOptions(mocks=case.mocks, mock_all=True)).run("main", case.args)
        for version in (plan, other)
    ]
    one, two = ([*sorted(node.run.name for node in run.facts.nodes), run.status] for run in runs)
    assert one != two
