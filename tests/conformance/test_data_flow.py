"""Random flows with arguments, expressions, inputs and outputs: the same by all that can run them.

`data_flow_cases` makes the flows. A naive interpreter (`naive`) says what they do, a local run and simulated
workers have to do the same, in any order and with any faults. Real workers have their turn in `tests/workers`, and
killed ones in `tests/chaos`.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from typing import Any

import pytest

from selinon_core.local import LocalExecutor, LocalOptions, LocalRun
from selinon_core.plan import Plan
from selinon_core.simulating.world import World
from tests.celery.reported import report_of
from tests.conformance import scripted
from tests.conformance.canonical import outcome_of
from tests.conformance.data_flow_cases import data_flow_case, plan_of
from tests.conformance.naive import Naive

Json = dict[str, Any]
SEEDS = range(24)
#: How nodes fail that got no arguments, and flows.
REFUSED = ("ArgumentError", "FlowError")


@cache
def made(seed: int) -> tuple[Json, Plan]:
    case = data_flow_case(seed)
    plan = plan_of(case)
    assert plan is not None
    return case, plan


def run_of(case: Json, plan: Plan, seed: int) -> LocalRun:
    return LocalExecutor(plan, LocalOptions(storage="real", seed=seed)).run("main", case["request"]["node_args"])


def naive_of(case: Json, plan: Plan) -> Naive:
    naive = Naive(case, plan)
    naive.run("main", case["request"]["node_args"])
    return naive


@pytest.mark.parametrize("seed", SEEDS)
def test_a_local_run_does_what_the_naive_interpreter_says(seed: int) -> None:
    case, plan = made(seed)
    run = run_of(case, plan, seed)
    assert all((node["error"] or {}).get("type") in (None, "RuntimeError", *REFUSED) for node in run.nodes)
    naive = Naive(case, plan)
    assert naive.run("main", case["request"]["node_args"]) == (run.status == "success", run.output)
    if naive.depends_on_order:
        return
    told = [[node["flow"], node["name"], node["node_args"], node["status"]] for node in run.nodes]
    assert Counter(json.dumps(row, sort_keys=True) for row in told) == naive.rows
    outputs = [[node["name"], node["output"]] for node in run.nodes if "output" in node]
    outputs += [["main", run.output]] * (run.status == "success")
    assert Counter(json.dumps(row, sort_keys=True) for row in outputs) == naive.outputs


@pytest.mark.parametrize("seed", SEEDS)
def test_no_order_changes_arguments_and_outputs(seed: int) -> None:
    case, plan = made(seed)
    if naive_of(case, plan).depends_on_order:
        return
    first = outcome_of(run_of(case, plan, 0).report(), case)
    for order in range(1, 4):
        assert outcome_of(run_of(case, plan, order).report(), case) == first


@pytest.mark.parametrize("seed", SEEDS)
def test_simulated_workers_decide_the_same_whatever_fails(seed: int) -> None:
    """Workers die at any step, messages come twice, in any order, or not; large values are given by reference."""
    case, plan = made(seed)
    expected = outcome_of(run_of(case, plan, 0).report(), case)
    depends = naive_of(case, plan).depends_on_order
    faults: Json = {"shuffle": True, "crash": 0.02, "duplicate": 0.1, "workers": 3}
    for number, world_options in enumerate(({}, faults, {**faults, "selinon_inline_count": 0})):
        scripted.set_up(case["behaviour"])
        world = World(plan, seed=seed + number, **world_options)
        id = world.start("main", case["request"]["node_args"])
        world.broker.lose = 0.05 if world_options else 0.0  # its caller keeps the start of a run
        world.work()
        report = report_of(plan, world.store, id, lambda id: json.loads(scripted.DictStorage.results[id]))
        if depends:
            assert report["status"] == expected["status"]
        else:
            assert outcome_of(report, case) == expected
        assert list(world.store.left_over()) == []


def test_the_cases_are_about_all_of_it() -> None:
    """Refused arguments, fallbacks, lists, retries of flows, references: none is left out by chance."""
    found: Counter[str] = Counter()
    for seed in SEEDS:
        case, plan = made(seed)
        run = run_of(case, plan, 0)
        found["failed runs"] += run.status == "failure"
        for node in run.nodes:
            found["refused"] += (node["error"] or {}).get("type") == "ArgumentError"
            found["fallbacks"] += node["name"] == "India"
            found["behind fallbacks"] += node["name"] == "Juliet"
            found["outputs"] += "output" in node
            found["large"] += len(json.dumps(node["node_args"])) > 8192
            found["second attempts of flows"] += node["flow_attempt"] == 2
        found["lists"] += sum("foreach" in edge for flow in case["flow_definitions"] for edge in flow["edges"])
    assert min(found.values()) >= 1, found
    assert len(found) == 8
