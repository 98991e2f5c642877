"""Which goals a flow has, and which of them the plan alone shows to be impossible."""

from __future__ import annotations

from selinon_core.covering import CoverageData, goals_of, judge
from tests.covering.small_flows import STORAGES, plan_of

TASKS = (
    STORAGES
    + """\
tasks:
  - {name: A, import: m, max_retry: 1, timeout: 5, storage: S}
  - {name: B, import: m}
  - {name: C, import: m}
"""
)
ALL_KINDS = (
    TASKS
    + """\
flow-definitions:
  - name: inner
    max_retry: 2
    timeout: 60
    edges:
      - {from: , to: B}
  - name: outer
    nowait: C
    eager_failures: A
    edges:
      - {from: , to: [A, inner]}
      - from: A
        to: C
        name: when all is well
        condition:
          and:
            - {name: fieldExist, args: {key: x}}
            - not: {name: fieldEqual, args: {key: x, value: 1}}
        foreach: {import: m, function: items}
    failures:
      - {nodes: inner, fallback: B, condition: {name: argsEmpty}}
      - {nodes: B, fallback: true}
"""
)


def test_every_part_of_a_flow_has_its_goals() -> None:
    plan = plan_of(ALL_KINDS)
    assert [goal.key for goal in goals_of(plan, "inner")] == [
        "node:B/ran",
        "edge:0/fired",
        "flow/retry-helped",
        "flow/retry-gave-up",
        "flow/timeout",
    ]
    assert [goal.key for goal in goals_of(plan, "outer")] == [
        "node:A/ran",
        "node:inner/ran",
        "node:C/ran",
        "node:B/ran",
        "edge:0/fired",
        "edge:1/fired",
        "edge:1/no",
        "edge:1/atom:0/true",
        "edge:1/atom:0/false",
        "edge:1/atom:0/decides",
        "edge:1/atom:1/true",
        "edge:1/atom:1/false",
        "edge:1/atom:1/decides",
        "edge:1/foreach-none",
        "edge:1/foreach-one",
        "edge:1/foreach-many",
        "failure:0/used",
        "failure:0/true",
        "failure:0/false",
        "failure:1/used",
        "node:A/retry-helped",
        "node:A/retry-gave-up",
        "node:A/timeout",
        "node:A/eager-failure",
        "node:inner/subflow-failure",
        "node:C/nowait-failure",
    ]


def test_goals_of_mcdc_and_of_failures_count_when_asked_for() -> None:
    plan, nothing = plan_of(ALL_KINDS), CoverageData()
    goals = {
        counted: judge(plan, nothing, counted=counted).total.goals
        for counted in ((), ("mcdc",), ("failures",), ("mcdc", "failures"))
    }
    assert goals == {(): 26, ("mcdc",): 28, ("failures",): 29, ("mcdc", "failures"): 31}


def test_texts_name_the_edge_and_the_predicate() -> None:
    texts = {goal.key: goal.text for goal in goals_of(plan_of(ALL_KINDS), "outer")}
    assert texts["edge:0/fired"] == "(start) -> [A, inner] fired"
    assert texts["edge:1/no"] == "A -> C (when all is well) said no"
    assert texts["edge:1/atom:1/true"] == "x == 1 of A -> C (when all is well): true"
    assert texts["failure:1/used"] == "fallback B -> true used"


def test_what_a_constant_condition_excludes_is_impossible_and_not_missing() -> None:
    plan = plan_of(
        TASKS
        + """\
flow-definitions:
  - name: f
    edges:
      - {from: , to: A}
      - {from: A, to: B, condition: {name: alwaysTrue}}
      - {from: A, to: C, condition: {or: [{name: alwaysTrue}, {name: fieldExist, args: {key: x}}]}}
"""
    )
    report = judge(plan, CoverageData())
    assert {found.goal.key: found.reason for found in report.having("impossible")} == {
        "edge:1/no": "its condition is never false",
        "edge:2/no": "its condition is never false",
        "edge:2/atom:0/false": "the predicate is never false",
    }
    assert report.total.goals == len(report.having("missing"))


def test_a_goal_that_is_met_counts_whatever_is_said_of_it() -> None:
    plan, data = plan_of(ALL_KINDS), CoverageData()
    data.of_flow("outer", {}).hit("node:A/ran", "case")
    said = {"outer/node:A/ran": "why", "outer/node:B/ran": "why not"}
    report = judge(plan, data, flows=["outer"], impossible=said)
    assert [found.goal.id for found in report.having("covered")] == ["outer/node:A/ran"]
    assert [(found.goal.id, found.reason) for found in report.having("impossible")] == [
        ("outer/node:B/ran", "why not")
    ]
    ignored = judge(plan, data, flows=["outer"], ignored=said)
    assert [found.goal.id for found in ignored.having("ignored")] == ["outer/node:B/ran"]
    assert report.total == ignored.total


def test_a_flow_without_goals_has_no_percentage() -> None:
    plan = plan_of(TASKS + "flow-definitions:\n  - {name: f, edges: [{from: , to: A}]}\n")
    report = judge(plan, CoverageData(), wanted=lambda goal: False)
    assert (report.flows[0].counts.percent, report.total.percent) == (None, None)
    assert not report.total.is_below(100)
