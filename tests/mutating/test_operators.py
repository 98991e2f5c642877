"""Mutants of flows: each differs from the plan in one thing, keeps indexes, and can be run."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selinon_core.dispatch import flow_indexes
from selinon_core.mutating.operators import OPERATOR_NAMES, OPERATORS, mutants
from selinon_core.plan import Plan
from selinon_core.plan.json_form import plan_from_json, plan_to_json
from selinon_core.project import compile_project, compile_text
from tests.dispatch.driver import Simulation, TooBig
from tests.dispatch.flows import plans, scripts

SAMPLES = Path(__file__).parents[2] / "sample_flows"
GOLDEN = Path(__file__).parent / "golden" / "mutants.txt"
EXPRESSIONS = GOLDEN.with_name("mutants_of_expressions.txt")
DATA_FLOW = GOLDEN.with_name("mutants_of_data_flow.txt")

SHOP = """
tasks:
  - {name: Load, import: shop, output_schema: load.json, max_retry: 2, retry_countdown: 5, timeout: 9, storage: S}
  - {name: Check, import: shop, throttling: {seconds: 2}, storage: S}
  - {name: Pay, import: shop, storage: S}
  - {name: Send, import: shop}
  - {name: Undo, import: shop}
  - {name: Call, import: shop}
  - {name: Bye, import: shop}
  - {name: Log, import: shop}
storages:
  - {name: S, import: shop}
flows: [sub, part, shop]
flow-definitions:
  - name: part
    edges:
      - {from: null, to: sub, selective: {tasks: [Check]}}
  - name: sub
    edges:
      - {from: null, to: Check, foreach: {import: shop, function: lines, propagate_result: true}}
  - name: shop
    node_args_from_first: true
    propagate_node_args: [sub]
    propagate_finished: [sub]
    nowait: [Call]
    eager_failures: [sub]
    max_retry: 1
    timeout: 60
    edges:
      - {from: null, to: Load}
      - {from: Load, to: [sub, Call, Log]}
      - from: [Load, sub]
        to: Pay
        condition:
          and:
            - {name: fieldGreaterEqual, node: Load, args: {key: [order, total], value: 10}}
            - or:
                - {name: fieldLenGreater, node: Load, args: {key: lines, length: 2}}
                - not: {name: envExist, args: {env: SHOP_CLOSED}}
                - {name: fieldEqual, node: [sub, Check], quantifier: any, args: {key: ok, value: true}}
      - {from: [Pay, sub], to: Send}
      - {from: Send, to: Bye}
    failures:
      - {nodes: [Pay, Log], fallback: [Undo, Check], condition: {name: argsFieldExist, args: {key: a}}}
      - {nodes: Pay, fallback: Undo, propagate_failure: true}
"""


BAKERY = """
tasks: [{name: Bake, import: shop, storage: S}, {name: Sell, import: shop, storage: S}, {name: Log, import: shop}]
storages: [{name: S, import: shop}]
flow-definitions:
  - name: bakery
    edges:
      - {from: null, to: Bake, condition: args.open}
      - {from: [Bake, Sell], to: Log, condition: Bake.count > 0 and not Bake.burnt}
      - from: Bake
        to: Sell
        condition: all(one.price >= 0.5 and one.fresh for one in Bake.breads) or "roll" in Bake.names
        foreach: {in: Bake.breads, as: bread}
      - {from: Sell, to: Bake, condition: 0 < Sell.left <= -3 + 2 * Sell.more}
      - {from: Sell, to: Log, foreach: "[one for one in Sell.sold if not one.free]"}
    failures:
      - {nodes: Sell, fallback: Log, condition: args.day != "sunday"}
"""


#: What moves between nodes: arguments, lists, outputs; ``Bake`` has a schema, so its fields have types.
MILL = """
tasks:
  - name: Bake
    import: shop
    storage: S
    output_schema:
      type: object
      required: [count, weight, names]
      properties: {count: {type: integer}, weight: {type: integer}, names: {type: array}, note: {type: string}}
  - {name: Sell, import: shop, storage: S}
  - {name: Log, import: shop}
storages: [{name: S, import: shop}]
flow-definitions:
  - name: mill
    input_schema: {type: object, properties: {day: {type: string}, month: {type: string}}}
    edges:
      - {from: null, to: Bake, args: {day: "${args.day}"}}
      - from: Bake
        to: Sell
        foreach: {in: "default(Bake.names, [])", as: bread}
        args: {bread: "${bread}", page: "${index + 1}", count: "${Bake.count}", is_last: true}
    failures:
      - {nodes: Sell, fallback: Log, args: {text: "${default(Bake.note, 'none')} on ${args.day}"}}
    output: {sold: ["${len(all.Sell) > 0}"], weight: "${Bake.weight * 2}", note: "${Bake.note}"}
"""


def shop(tmp_path: Path) -> Plan:
    (tmp_path / "shop.yaml").write_text(SHOP, encoding="utf-8")
    (tmp_path / "load.json").write_text("{}", encoding="utf-8")
    plan = compile_project([str(tmp_path / "shop.yaml")]).plan
    assert plan is not None
    return plan


def test_the_mistakes_that_are_made(tmp_path: Path) -> None:
    """Golden: id, line and sentence of each mutant. Read it as someone whose tests let it survive."""
    lines = [f"{each.id}  (line {each.place.line})\n    {each.text}" for each in mutants(shop(tmp_path))]
    text = "\n".join(lines) + "\n"
    if os.environ.get("SELINON_UPDATE_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def plan_of(yaml: str) -> Plan:
    found = compile_text({"shop.yaml": yaml})
    assert found.plan is not None, [str(one) for one in found.diagnostics]
    return found.plan


@pytest.mark.parametrize(("yaml", "golden"), [(BAKERY, EXPRESSIONS), (MILL, DATA_FLOW)])
def test_the_mistakes_that_are_made_in_expressions(yaml: str, golden: Path, tmp_path: Path) -> None:
    plan = plan_of(yaml)
    made = mutants(plan)
    text = "".join(f"{each.id}  (line {each.place.line})\n    {each.text}\n" for each in made)
    if os.environ.get("SELINON_UPDATE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")
    assert len({each.id for each in made}) == len(made)
    for each in made:
        assert each.plan != plan, each.id
        assert plan_from_json(plan_to_json(each.plan)) == each.plan


def test_every_operator_makes_a_mutant_somewhere(tmp_path: Path) -> None:
    made = {each.operator for plan in (shop(tmp_path), plan_of(MILL)) for each in mutants(plan)}
    assert set(OPERATOR_NAMES) - made == set()
    assert {name for operator in OPERATORS for name in operator.names} == set(OPERATOR_NAMES)


def _sample(name: str) -> Plan:
    plan = compile_project([str(SAMPLES / name)]).plan
    assert plan is not None
    return plan


@pytest.mark.parametrize("sample", sorted(path.name for path in SAMPLES.iterdir() if path.is_dir()))
def test_mutants_are_plans_of_their_own(sample: str) -> None:
    plan = _sample(sample)
    made = mutants(plan)
    assert len({each.id for each in made}) == len(made)
    for each in made:
        assert each.plan != plan, each.id
        assert plan_from_json(plan_to_json(each.plan)) == each.plan
        for flow in each.plan.flows.values():
            assert [edge.index for edge in flow.edges] == list(range(len(flow.edges)))
            assert len(flow.edges) >= len(plan.flows[flow.name].edges)
        flow_indexes(each.plan)


def test_only_what_was_asked_for() -> None:
    plan = _sample("order_pipeline")
    assert {each.operator for each in mutants(plan, operators=["boundary"])} == {"boundary"}
    some = mutants(plan, ["reserve"])
    assert {each.flow for each in some} == {"reserve"}
    assert {each.element for each in mutants(plan, operators=["task-retry"])} == {"task:Charge"}


@given(plans(), scripts, st.integers(0, 10**6))
def test_the_machine_runs_every_mutant_to_an_end(plan: Plan, script: object, seed: int) -> None:
    for each in mutants(plan, ["main"]):
        if each.flow is None:
            continue
        try:
            simulation = Simulation(each.plan, "main", script, Random(seed))  # type: ignore[arg-type]
            simulation.run()
        except TooBig:
            continue
        assert simulation.machine.ended, each.id
