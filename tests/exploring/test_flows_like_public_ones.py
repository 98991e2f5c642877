"""Ten flows in the shapes that public projects have: what can happen, and what a test should have seen.

``check`` finds the outcomes that local runs have whose tasks fail, return and list everything in turn. The goals
of coverage are those that were counted by hand, and what no run meets is known to be impossible. Each mutant that
cases for all outcomes do not notice comes with the case that would.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from selinon_core.covering import CoverageData, collect, judge
from selinon_core.exploring import Checker, Context, Goal, Limits, ProjectModel, Summaries, witness_of
from selinon_core.mutating.campaign import Campaign, Equivalence
from selinon_core.mutating.operators import mutants
from selinon_core.plan import Plan
from selinon_core.project import compile_text
from selinon_core.testing.collection import CaseFile
from tests.exploring.brute_force import Choices
from tests.local.trying import HERE, build, play

_ITEMS = {"foreach": {"import": HERE, "function": "items", "propagate_result": True}}
_TAGGED = {
    "and": [
        {"name": "argsFieldExist", "args": {"key": "document"}},
        {
            "or": [
                {"name": "argsFieldEqual", "args": {"key": "ecosystem", "value": "pypi"}},
                {"name": "argsFieldEqual", "args": {"key": "ecosystem", "value": "maven"}},
            ]
        },
    ]
}
_DOCUMENT = {"name": "fieldExist", "node": "Init", "args": {"key": "document"}}
_IS_SOLVER = {"name": "argsFieldEqual", "args": {"key": "solver", "value": True}}


class Shape(NamedTuple):
    """A project. ``args`` of its first flow, ``results`` of tasks and ``items`` of its foreach are tried in turn.

    ``goals``: how many its first flow and the others have, and how many of all of them any run meets.
    """

    flows: dict[str, Any]
    goals: tuple[int, ...]
    met: int
    args: tuple[Any, ...] = (None,)
    results: dict[str, tuple[Any, ...]] = {}
    items: tuple[Any, ...] = ([], [1], [1, 2])
    tasks: dict[str, dict[str, Any]] = {}


SHAPES = {
    # Ingredients are bought and a meal is cooked; without one of both, pizza and beer are ordered.
    "meal": Shape(
        {
            "meal": {
                "edges": ["-> shop", "shop -> cook", "cook -> Serve"],
                "failures": ["shop -> Pizza Beer", "cook -> Pizza Beer"],
                "propagate_node_args": ["shop"],
            },
            "shop": [
                "-> Flour Eggs",
                (
                    "-> Flowers",
                    {
                        "condition": {
                            "and": [
                                {"name": "argsFieldEqual", "args": {"key": "in_love", "value": True}},
                                {"not": {"name": "argsFieldEqual", "args": {"key": "single", "value": True}}},
                            ]
                        }
                    },
                ),
            ],
            "cook": ["-> Oven Dough", "Oven Dough -> Bake"],
        },
        goals=(5 + 3 + 2, 3 + 2 + 1 + 4, 3 + 2),
        met=25,
        args=({}, {"in_love": True}, {"in_love": True, "single": True}),
    ),
    # Documents are listed, and each is stored by one of two tasks that are not waited for.
    "sync": Shape(
        {
            "sync": ["-> Listing", ("Listing -> document", _ITEMS)],
            "document": {
                "edges": [
                    ("-> Solver", {"condition": _IS_SOLVER}),
                    ("-> Analysis", {"condition": {"not": _IS_SOLVER}}),
                ],
                "nowait": ["Solver", "Analysis"],
            },
        },
        goals=(2 + 2 + 3, 2 + 2 + 2),
        met=13,
        items=([], [{"solver": True}], [{"solver": False}], [{"solver": True}, {"solver": False}]),
    ),
    # Logs of the builds of repositories: fan-outs in fan-outs, none of which is waited for.
    "logs": Shape(
        {
            "logs": {
                "edges": ["-> Repositories", ("Repositories -> repository", _ITEMS)],
                "nowait": ["repository"],
            },
            "repository": {"edges": ["-> Count", ("Count -> build", _ITEMS)], "nowait": ["build"]},
            "build": ["-> Log", "Log -> Cleanup"],
        },
        goals=(2 + 2 + 3, 2 + 2 + 3, 2 + 2),
        met=18,
    ),
    # Keywords of projects, put together behind a sub-flow that fans out.
    "keywords": Shape(
        {
            "keywords": {"edges": ["-> gather", "gather -> Aggregate"], "propagate_compound_finished": True},
            "gather": {"edges": [("-> one", _ITEMS)], "propagate_compound_finished": True},
            "one": ["-> Keywords"],
        },
        goals=(2 + 2, 1 + 1 + 3, 1 + 1),
        met=11,
    ),
    # An index is read, and a flow for each project only starts a task.
    "index": Shape(
        {
            "index": ["-> Listing", ("Listing -> project", _ITEMS)],
            "project": {"edges": ["-> Info"], "nowait": ["Info"]},
        },
        goals=(2 + 2 + 3, 1 + 1),
        met=9,
    ),
    # A package is analysed and tagged; a flow is started by an edge and, where another one failed, as fallback.
    "package": Shape(
        {
            "package": {
                "node_args_from_first": True,
                "propagate_node_args": ["analysis", "tagging"],
                "edges": [
                    "-> Init",
                    ("Init -> analysis", {"condition": _DOCUMENT}),
                    ("analysis -> tagging", {"condition": _TAGGED}),
                    ("analysis -> Finalize", {"condition": {"not": _TAGGED}}),
                    ("tagging -> Finalize", {"condition": _TAGGED}),
                    "Finalize -> Collect",
                    "Collect -> Import",
                    (
                        "FinalizeError -> Collect",
                        {"condition": {"name": "argsFieldExist", "args": {"key": "document"}}},
                    ),
                    (
                        "Init -> Import",
                        {
                            "condition": {
                                "and": [
                                    {"not": _DOCUMENT},
                                    {"name": "argsFieldEqual", "args": {"key": "force", "value": True}},
                                ]
                            }
                        },
                    ),
                ],
                "failures": [("analysis -> tagging", {"condition": _TAGGED}), "tagging -> FinalizeError"],
            },
            "analysis": ["-> Analyse"],
            "tagging": ["-> Tag"],
        },
        goals=(7 + 9 + 6 + (6 + 6 + 6 + 4) + 2 + 2 + 6, 2, 2),
        # Wherever it is asked whether there is a document there is one, and what was tagged is of one of the two
        # ecosystems: "no" of two edges, false of the first predicate of four conditions and of the third of one.
        met=58 - 2 - 5,
        results={
            "Init": (
                {},
                {"force": True},
                {"document": 1},
                {"document": 1, "ecosystem": "pypi"},
                {"document": 1, "ecosystem": "maven"},
            )
        },
    ),
    # A manifest: what it depends on is analysed as far as a limit allows, the rest goes on beside.
    "manifest": Shape(
        {
            "manifest": {
                "edges": [
                    "-> Init",
                    "Init -> Metadata",
                    "Metadata -> Snapshot",
                    ("Metadata -> Starred", {"condition": {"name": "fieldExist", "args": {"key": "url"}}}),
                    (
                        "Snapshot -> component",
                        {
                            "condition": {
                                "or": [
                                    {"not": {"name": "argsFieldExist", "args": {"key": "limit"}}},
                                    {"name": "argsFieldGreater", "args": {"key": "limit", "value": 0}},
                                ]
                            },
                            **_ITEMS,
                        },
                    ),
                    "Snapshot -> Details",
                    "Details -> Collect",
                ]
            },
            "component": ["-> Analyse"],
        },
        goals=(7 + 7 + 2 + 4 + 3, 2),
        met=25,
        args=({}, {"limit": 0}, {"limit": 1}),
        results={"Metadata": ({}, {"url": "x"})},
    ),
    # Analyses side by side are joined; each that fails is finalized as an error, which is collected as well.
    "component": Shape(
        {
            "component": {
                "edges": [
                    "-> Init",
                    "Init -> License Security Metadata",
                    "License Security Metadata -> Finalize",
                    "Finalize -> Collect",
                    "FinalizeError -> Collect",
                ],
                "failures": [
                    "License -> FinalizeError",
                    "Security -> FinalizeError",
                    "Metadata -> FinalizeError",
                ],
            }
        },
        goals=(7 + 5 + 3,),
        met=15,
    ),
    # What is known of a stack is aggregated, at the second attempt if need be, and reported on in two ways.
    "stack": Shape(
        {"stack": ["-> Aggregate", "Aggregate -> Recommend Summarise", "Recommend Summarise -> Report"]},
        goals=(4 + 3 + 2,),
        met=9,
        tasks={"Aggregate": {"max_retry": 1}},
    ),
    # Nightly: what cannot be fetched is left, what cannot be written makes the flow begin anew.
    "nightly": Shape(
        {
            "nightly": {
                "edges": ["-> Fetch", "Fetch -> Update"],
                "failures": ["Fetch -> "],
                "max_retry": 1,
            }
        },
        goals=(2 + 2 + 1 + 2,),
        met=7,
    ),
}


def _plan(shape: Shape) -> Plan:
    return build(shape.flows, shape.tasks, on_unreached="ignore", predicates_module="selinon_core.predicates")


def _outcomes(shape: Shape, plan: Plan, data: CoverageData) -> set[Any]:
    """The ways in which local runs end, and what they cover: every choice of every task."""
    found = set()
    choices = Choices()

    def acting(name: str) -> Callable[[Any, Any], Any]:
        results = shape.results.get(name, (None,))

        def act(task: Any, node_args: Any) -> Any:
            chosen = choices.choose(len(results) + 1)
            if chosen == len(results):
                raise ValueError(name)
            return results[chosen]

        return act

    does: dict[str, Any] = {name: acting(name) for name in plan.tasks}
    does["items"] = lambda pool, args: shape.items[choices.choose(len(shape.items))]
    number = 0
    while True:
        run = play(plan, shape.args[choices.choose(len(shape.args))], does)
        runs = Counter(record.run.name for record in run.records if record.flow_run is run.root)
        found.add((run.status, tuple(sorted(runs.items()))))
        collect(run.facts, f"run {number}", data)
        number += 1
        if not choices.next():
            return found


@pytest.mark.parametrize("name", SHAPES)
def test_check_finds_what_local_runs_do_and_goals_are_those_counted_by_hand(name: str) -> None:
    shape = SHAPES[name]
    plan = _plan(shape)
    data = CoverageData()
    expected = _outcomes(shape, plan, data)
    exploration = Summaries(ProjectModel(plan), Limits(failures=None)).explore(Context(name))
    assert exploration.is_complete
    assert {(key.status, tuple(sorted(key.runs))) for key in exploration.outcomes} == expected
    report = judge(plan, data)
    assert {flow.name: flow.counts[1] for flow in report.flows} == dict(zip(plan.flows, shape.goals, strict=True))
    missing = [one.goal for one in report.having("missing")]
    assert report.total[0] == shape.met, [goal.id for goal in missing]
    checker = Checker(ProjectModel(plan), Limits())
    assert {checker.reach(name, _searched(goal.key), "never").is_impossible for goal in missing} <= {True}


@pytest.mark.parametrize("name", SHAPES)
def test_what_cases_for_all_outcomes_do_not_notice_comes_with_a_case_that_does(name: str) -> None:
    shape = SHAPES[name]
    plan = _plan(shape)
    summaries = Summaries(ProjectModel(plan), Limits(failures=2))
    cases = [
        witness_of(summaries, Context(flow), choices, f"{flow} {number}").case
        for flow in plan.flows
        for number, choices in enumerate(summaries.explore(Context(flow)).outcomes.values())
    ]
    project = compile_text({"nodes.yaml": "tasks: []"})  # cases of a file are run with the plan of the campaign
    file = CaseFile(f"{name}.flowtest.yaml", name, project, tuple(cases), (), tuple(range(len(cases))))
    campaign = Campaign(plan, (), [file], Equivalence(lambda task: None, seconds=60))
    assert campaign.rehearse() == []
    verdicts = [campaign.judge(mutant) for mutant in mutants(plan)]
    survived = [verdict for verdict in verdicts if verdict.status not in ("killed", "timeout", "equivalent")]
    # How often a task is tried is not explored.
    unnamed = [verdict.mutant.id for verdict in survived if verdict.missing is None]
    assert unnamed == [id for id in unnamed if "/task-retry" in id]


def _searched(key: str) -> Goal:
    """What a goal of coverage is called in explorations: ``edge:2/atom:0/false``, ``edge:4/no``."""
    (kind, index), *atom, what = [part.split(":") for part in key.split("/")]
    if not atom:
        return Goal("edge_no" if what == ["no"] else "edge_fired", int(index))
    prefix = "fallback_atom" if kind == "failure" else "atom"
    return Goal(f"{prefix}_{what[0]}", int(index), int(atom[0][1]))  # type: ignore[arg-type]
