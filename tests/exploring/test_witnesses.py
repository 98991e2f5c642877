"""Witnesses are test cases: their text reads as the same case, and a run with their mocks shows the same."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selinon_core.cases.model import Case
from selinon_core.cases.writing import case_file_text
from selinon_core.exploring import Context, Limits, ProjectModel, Summaries, witness_of
from selinon_core.local import LocalExecutor, LocalOptions
from selinon_core.plan import Plan
from selinon_core.plan.variables import with_environment
from selinon_core.project import compile_project
from selinon_core.project.case_files import read_case_text
from selinon_core.schemas.check import ResultSchema
from tests.dispatch.flows import plans
from tests.exploring.flows_in_yaml import plan_of, summaries_of

SAMPLES = Path(__file__).parents[2] / "sample_flows"


def replayed(plan: Plan, case: Case) -> tuple[str, dict[str, int]]:
    """The status of a run with the mocks of the case, and how many runs of each node there were."""
    plan = with_environment(plan, case.env)
    quiet = Plan(plan.tasks, plan.flows, plan.storages, plan.settings._replace(trace=()))
    run = LocalExecutor(quiet, LocalOptions(mocks=case.mocks, mock_all=True, at=case.at)).run(case.flow, case.args)
    nodes = [node for node in run.facts.nodes if node.flow_run is run.facts.root]
    return str(run.status), dict(Counter(node.run.name for node in nodes))


def check_all(plan: Plan, summaries: Summaries, flow: str, most: int = 1000) -> int:
    """Replay the witness of each way to end; returns how many there are."""
    context = Context(flow)
    outcomes = list(summaries.explore(context).outcomes.items())[:most]
    for number, (key, choices) in enumerate(outcomes):
        case = witness_of(summaries, context, choices, f"number {number}").case
        text = case_file_text([case], plan)
        (read,), wrong = read_case_text(text, "suggested.flowtest.yaml", plan)
        assert wrong == [], text
        assert case_file_text([read], plan) == text
        status = "success" if key.status == "success" else "failure"
        assert replayed(plan, read) == (status, dict(key.runs)), text
    return len(outcomes)


@pytest.mark.parametrize("sample", sorted(path.parent.name for path in SAMPLES.glob("*/pyproject.toml")))
@pytest.mark.parametrize("may_be_cancelled", [False, True])
def test_every_way_to_end_of_the_samples_replays(sample: str, may_be_cancelled: bool) -> None:
    plan = compile_project([str(SAMPLES / sample)]).plan
    assert plan is not None
    limits = Limits(cancel=may_be_cancelled)
    summaries = Summaries(ProjectModel(plan, lambda task: ResultSchema.of_task(task, "")), limits)
    assert sum(check_all(plan, summaries, flow) for flow in plan.flows) > 0


@given(plans(eager=False), st.booleans())
@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
def test_every_way_to_end_of_random_flows_replays(plan: Plan, may_be_cancelled: bool) -> None:
    limits = Limits(2, visits=2, items=(0, 1, 2), budget=200, node_runs=30, cancel=may_be_cancelled)
    check_all(plan, Summaries(ProjectModel(plan), limits), "main", most=10)


ORDERS = {
    "an eager failure": """
  - name: main
    eager_failures: Watch
    edges: [{from: , to: [Watch, A]}, {from: A, to: B}, {from: B, to: C}]
""",
    "a time-out": """
  - name: main
    timeout: 60
    edges: [{from: , to: [A, B]}, {from: [A, B], to: C}]
""",
    "the last result of a sub-flow": """
  - name: main
    edges:
      - {from: , to: inner}
      - {from: inner, to: A, condition: {name: fieldEqual, node: [inner, Watch], args: {key: n, value: 1}}}
      - {from: inner, to: B, condition: {not: {name: fieldEqual, node: [inner, Watch], args: {key: n, value: 1}}}}
  - name: inner
    edges: [{from: , to: Watch, foreach: {import: tasks, function: files}}, {from: Watch, to: C}]
""",
    "a result two flows below": """
  - name: main
    edges:
      - {from: , to: outer}
      - from: outer
        to: A
        condition: &one {name: fieldEqual, node: [outer, inner, Watch], quantifier: any, args: {key: n, value: 1}}
      - from: outer
        to: B
        condition: {not: *one}
  - name: outer
    edges: [{from: , to: inner, foreach: {import: tasks, function: files}}]
  - name: inner
    edges: [{from: , to: [Watch, C]}]
""",
    "a function of the project": """
  - name: main
    edges:
      - {from: , to: A, foreach: {import: tasks, function: files}}
      - {from: A, to: B, condition: {name: ready}}
      - {from: A, to: C, condition: {not: {name: ready}}}
    failures: [{nodes: A, fallback: Watch}]
global: {predicates_module: checks}
""",
    "what nodes take": """
  - name: main
    edges:
      - {from: , to: A}
      - {from: A, to: inner, args: {lines: "${A}"}}
      - from: inner
        to: B
        args: {count: "${len(flatten([flatten([line.parts for line in A]), inner]))}"}
      - {from: B, to: C, foreach: {in: B.names, as: name}, args: {text: "${name}"}}
  - name: inner
    input_schema:
      type: object
      required: [lines]
      properties:
        lines: {$ref: "#/$defs/lines"}
      $defs:
        line: {type: object, properties: {price: {type: number}, parts: {type: array}}, required: [price, parts]}
        lines: {type: array, minItems: 1, maxItems: 1, items: {$ref: "#/$defs/line"}}
    edges: [{from: , to: Watch, foreach: args.lines}]
    output: "${[line.price for line in args.lines]}"
    output_schema: {type: array, items: {type: number}}
""",
    "arguments": """
  - name: main
    edges:
      - {from: , to: A, condition: {name: argsFieldEqual, args: {key: kind, value: new}}}
      - {from: , to: B, condition: {name: argsFieldExist, args: {key: kind}}}
      - {from: [A, B], to: [C, Watch]}
""",
}


@pytest.mark.parametrize("name", ORDERS)
def test_orders_and_choices_replay(tmp_path: Path, name: str) -> None:
    plan = plan_of(tmp_path, ORDERS[name], "A B C Watch")
    assert check_all(plan, summaries_of(plan, tmp_path), "main") > 1


def test_a_witness_rests_on_what_it_says(tmp_path: Path) -> None:
    """A sub-flow that decides on arguments was explored with arguments of its own; functions were guessed."""
    flows = """
  - name: main
    propagate_node_args: inner
    edges:
      - {from: , to: inner}
      - {from: inner, to: A, condition: {name: ready}}
  - name: inner
    edges:
      - {from: , to: B}
      - {from: B, to: C, condition: {name: isThere, args: {}}}
global: {predicates_module: checks}
"""
    plan = plan_of(tmp_path, flows, "A B C")
    summaries = summaries_of(plan, tmp_path)
    exploration = summaries.explore(Context("main"))
    witness = witness_of(summaries, Context("main"), next(iter(exploration.outcomes.values())), "first")
    assert witness.guessed == ("checks.ready",)
    assert witness.from_summaries == ("inner",)
    assert witness.is_confirmed
    on_arguments = "{name: argsFieldExist, args: {key: n}}"
    shipped = flows.replace("{name: isThere, args: {}}", on_arguments).replace("{name: ready}", on_arguments)
    plan = plan_of(tmp_path, shipped.partition("global")[0], "A B C")
    summaries = summaries_of(plan, tmp_path)
    exploration = summaries.explore(Context("main"))
    witness = witness_of(summaries, Context("main"), next(iter(exploration.outcomes.values())), "first")
    assert not witness.is_confirmed


def test_variables_are_those_of_the_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the process has does not matter, nor that it has not what an expression cannot do without."""
    monkeypatch.setenv("REGION", "api")
    flows = """
  - name: main
    edges:
      - {from: , to: A, condition: {name: envEqual, args: {env: REGION, value: api}}, args: "${env.TOKEN}"}
      - {from: , to: B, condition: {not: {name: envExist, args: {env: REGION}}}}
      - {from: , to: C, condition: {name: envEqual, args: {env: REGION, value: other}}}
      - {from: , to: D, args: "${env.STAGE}"}
global: {env: {TOKEN: {}, STAGE: {default: test}}}
"""
    plan = plan_of(tmp_path, flows, "A B C D")
    summaries = summaries_of(plan, tmp_path, failures=0)
    assert check_all(plan, summaries, "main") == 4
    outcomes = summaries.explore(Context("main")).outcomes
    found = [witness_of(summaries, Context("main"), choices, "a case") for choices in outcomes.values()]
    regions = sorted(str(witness.case.env.pop("REGION")) for witness in found)  # type: ignore[attr-defined]
    assert regions == ["None", "api", "other", "other_"]
    assert all(witness.case.env == {"TOKEN": "text"} and not witness.guessed for witness in found)
