"""Goals that explorations find impossible are never met; for the others they find runs that meet them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from selinon_cli.goal_search import GoalSearch
from selinon_cli.suggested_coverage import suggest
from selinon_core.cases.writing import case_file_text
from selinon_core.covering import CoverageData, CoverageReport, collect, goals_of, judge
from selinon_core.covering.observer import CoverageObserver
from selinon_core.plan import Plan
from selinon_core.project.case_files import read_case_text
from selinon_core.testing.case_run import CaseRunner
from selinon_core.testing.file_run import FileRun
from selinon_core.testing.options import RunOptions
from tests.covering.random_flows import plans, play, seeds
from tests.covering.small_flows import STORAGES, plan_of

SHOP = (
    STORAGES
    + """\
tasks:
  - {name: A, import: m, storage: S, max_retry: 1, timeout: 10}
  - {name: B, import: m}
  - {name: C, import: m}
  - {name: D, import: m}
flow-definitions:
  - name: inner
    edges:
      - from:
        to: C
        foreach: {import: m, function: items}
  - name: outer
    nowait: D
    edges:
      - {from: , to: [A, D]}
      - {from: A, to: B, condition: {and: [
          {name: fieldGreater, args: {key: x, value: 1}}, {name: fieldLess, args: {key: x, value: 5}}]}}
      - {from: A, to: inner, condition: {and: [
          {name: fieldGreater, args: {key: x, value: 5}}, {name: fieldLess, args: {key: x, value: 5}}]}}
    failures:
      - {nodes: A, fallback: B}
"""
)


def nothing_covered(plan: Plan) -> CoverageReport:
    return judge(plan, CoverageData(), counted=["failures"])


@settings(max_examples=40)
@given(plans(), st.lists(seeds, min_size=5, max_size=5))
def test_no_run_meets_what_is_said_to_be_impossible(plan: Plan, chosen: list[int]) -> None:
    impossible = GoalSearch(plan, budget=200).impossible(goals_of(plan, "main"))
    if impossible:
        data = CoverageData()
        for seed in chosen:
            collect(play(plan, seed).facts, str(seed), data)
        report = judge(plan, data, counted=["failures"])
        covered = {found.goal.id for found in report.having("covered")}
        assert not covered & impossible.keys()


def test_what_follows_from_a_condition_that_cannot_hold_is_impossible() -> None:
    plan = plan_of(SHOP)
    search = GoalSearch(plan)
    impossible = search.impossible(found.goal for found in nothing_covered(plan).all())
    assert set(impossible) == {"outer/edge:2/fired", "outer/edge:2/atom:1/true", "outer/node:inner/ran"}
    report = judge(plan, CoverageData(), impossible=impossible)
    assert {found.goal.id for found in report.having("impossible")} == set(impossible)


def test_cases_are_found_for_every_other_goal_and_are_met_when_read_back_from_their_text() -> None:
    plan = plan_of(SHOP)
    search = GoalSearch(plan)
    missing = nothing_covered(plan).having("missing")
    impossible = search.impossible(found.goal for found in missing)
    wanted = [found for found in missing if found.goal.id not in impossible]
    found = suggest(plan, (), search, wanted, "new.flowtest.yaml")
    assert found.without == ()
    assert len({case.name for case in found.cases}) == len(found.cases) < len(wanted)
    cases, wrong = read_case_text(case_file_text(found.cases, plan), "new.flowtest.yaml", plan)
    assert wrong == []
    observer = CoverageObserver()
    options = RunOptions(ci=True, observer=lambda: observer)
    ran = FileRun("new.flowtest.yaml", "new.flowtest.yaml", cases, options).run_all(
        CaseRunner(plan, (), options), range(len(cases)), plan
    )
    assert [outcome.status for outcome in ran.cases] == ["passed"] * len(cases), ran.cases
    report = judge(plan, observer.data, counted=["failures"], impossible=impossible)
    assert [goal.goal.id for goal in report.having("missing")] == []


def test_a_goal_without_a_run_is_named_with_the_reason() -> None:
    plan = plan_of(SHOP)
    missing = nothing_covered(plan).having("missing")
    fired = [found for found in missing if found.goal.id == "outer/edge:2/fired"]
    found = suggest(plan, (), GoalSearch(plan), fired, "new.flowtest.yaml")
    assert found.cases == ()
    assert [(goal.id, reason) for goal, reason in found.without] == [
        ("outer/edge:2/fired", "no run that was tried meets it")
    ]


def test_what_takes_more_failures_than_are_played_is_not_impossible() -> None:
    project = """
tasks:
  - {name: A, import: m}
  - {name: B, import: m}
flow-definitions:
  - name: main
    max_retry: 2
    nowait: B
    eager_failures: A
    edges:
      - {from: , to: [A, B]}
"""
    plan = plan_of(project)
    assert GoalSearch(plan).impossible(goals_of(plan, "main")) == {}
