"""What a node run was given stays what it was given when its flow is deployed anew, in a simulated world.

Arguments are worked out once, when the node run begins, and are in the log of the flow run: retries,
redeliveries and workers with other files see those.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from selinon_core import SelinonTask
from selinon_core.plan import Plan
from selinon_core.project import compile_data
from selinon_core.simulating.world import World

#: What each attempt was given, and how often a task fails before it gives its result.
RAN: list[tuple[str, Any]] = []
FAILURES: Counter[str] = Counter()
LARGE = "x" * 9000


class Told(SelinonTask):
    """Says what it was given; A gives a number that grows with each of its runs."""

    def run(self, args: Any) -> Any:
        name = self.task_name
        RAN.append((name, args))
        if FAILURES[name]:
            FAILURES[name] -= 1
            raise ValueError("not yet")
        return {"n": len(given("A")), "large": LARGE} if name == "A" else args


def given(task: str) -> list[Any]:
    return [args for name, args in RAN if name == task]


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    RAN.clear()
    FAILURES.clear()


def plan_of(*flows: dict[str, Any], vars: Any = None, **of_b: Any) -> Plan:
    task = {"import": __name__, "classname": "Told", "storage": "S"}
    b = {"name": "B", **task, "max_retry": 2, "retry_countdown": 30, **of_b}
    memory = {"name": "S", "import": "selinon_core.storages.memory", "classname": "InMemoryStorage"}
    tasks = [*({"name": name, **task} for name in "ACD"), b]
    data = {"tasks": tasks, "storages": [memory], "global": {"vars": vars or {"rate": 1}}}
    project = compile_data({**data, "flow-definitions": list(flows)})
    assert project.plan is not None, [str(one) for one in project.diagnostics]
    return project.plan


def flow(args: Any, to: Any = "B", name: str = "f", **more: Any) -> dict[str, Any]:
    edges = [{"from": None, "to": "A"}, {"from": "A", "to": to, "args": args}]
    return {"name": name, "edges": edges, **more}


def schema(default: str) -> dict[str, Any]:
    return {"type": "object", "properties": {"currency": {"type": "string", "default": default}}}


def world_in_which(plan: Plan, task: str, times: int, seed: int = 0) -> tuple[World, str]:
    """A run of ``f`` in which a task has made so many attempts; each message is one step."""
    world = World(plan, workers=1, seed=seed, selinon_inline_count=0)
    id = world.start("f")
    while len(given(task)) < times:
        assert world.step()
    return world, id


CHANGED = [
    (flow({"n": "${A.n + 100}", "rate": "${vars.rate}"}), {"rate": 2}),
    (flow({"n": "${A.n}", "rate": "${vars.rate}"}), {"rate": 2}),
    (flow({"other": "${A.n}"}), None),
    ({"name": "f", "edges": [{"from": None, "to": "A"}, {"from": "A", "to": "B"}]}, None),
]


@pytest.mark.parametrize(("changed", "vars"), CHANGED)
def test_a_second_attempt_has_the_arguments_of_the_first(changed: Any, vars: Any) -> None:
    FAILURES["B"] = 1
    world, id = world_in_which(plan_of(flow({"n": "${A.n}", "rate": "${vars.rate}"})), "B", 1)
    world.deploy(0, plan_of(changed, vars=vars))
    world.work()
    assert world.results[id][0] == "success"
    assert given("B") == [{"n": 1, "rate": 1}] * 2


def test_a_redelivered_attempt_has_them() -> None:
    """Workers die while they run it; each runs it with the same arguments."""
    plan, changed = (plan_of(flow({"n": n}), input_schema=schema(n)) for n in ("${A.n}", "${A.n + 100}"))
    ran = 0
    for seed in range(10):
        RAN.clear()
        world, id = world_in_which(plan, "A", 1, seed=seed)
        while not any(letter.kwargs.get("task") == "B" for letter in world.broker.sent):
            assert world.step()
        world.deploy(0, changed)
        world.faults.crash = 0.2
        world.work()
        assert world.results[id][0] == "success"
        assert given("B") == [{"n": 1, "currency": "${A.n}"}] * len(given("B"))
        ran += len(given("B"))
    assert ran > 10


def test_a_failed_run_that_is_retried_by_hand_has_them() -> None:
    FAILURES["B"] = 1
    plan, changed = (plan_of(flow({"n": n}), max_retry=0) for n in ("${A.n}", "${A.n + 100}"))
    world, id = world_in_which(plan, "B", 1)
    world.work()
    assert world.results[id][0] == "failure"
    world.deploy(0, changed)
    world.retry("f", id)
    world.work()
    assert world.results[id][0] == "success"
    assert given("B") == [{"n": 1}] * 2


def test_large_values_that_are_given_by_reference_stay_the_same() -> None:
    FAILURES["B"] = 1
    world, id = world_in_which(plan_of(flow({"text": "${A.large}"})), "B", 1)
    world.deploy(0, plan_of(flow({"text": "${A.n}"})))
    world.work()
    assert world.results[id][0] == "success"
    assert given("B") == [{"text": LARGE}] * 2


def test_defaults_of_a_task_are_those_of_the_first_attempt() -> None:
    FAILURES["B"] = 1
    one, two = (plan_of(flow({"n": "${A.n}"}), input_schema=schema(currency)) for currency in ("EUR", "USD"))
    world, id = world_in_which(one, "B", 1)
    world.deploy(0, two)
    world.work()
    assert world.results[id][0] == "success"
    assert given("B") == [{"n": 1, "currency": "EUR"}] * 2


def test_each_destination_has_the_defaults_of_its_own_schema() -> None:
    """Also below a large value that is given by reference: what is beside it is filled in and kept."""
    FAILURES["B"] = 1
    plans = []
    for currency in ("EUR", "USD"):
        given_to = flow({"n": "${A.n}", "text": "${A.large}"}, ["B", "C", "below"])
        below = {
            "name": "below",
            "edges": [{"from": None, "to": "D"}],
            "input_schema": schema(f"{currency} below"),
        }
        plans.append(plan_of(given_to, below, input_schema=schema(currency)))
    world, id = world_in_which(plans[0], "B", 1)
    world.deploy(0, plans[1])
    world.work()
    assert world.results[id][0] == "success"
    whole = {"n": 1, "text": LARGE}
    assert given("B") == [{**whole, "currency": "EUR"}] * 2
    assert given("C") == [whole]
    assert given("D") in ([{**whole, "currency": f"{currency} below"}] for currency in ("EUR", "USD"))
    log = "".join(world.store.read(id)[1])  # type: ignore[index]
    assert "$ref" in log
    assert LARGE not in log


def test_defaults_of_a_fallback_are_those_of_its_first_attempt() -> None:
    FAILURES.update(A=1, B=1)
    plans = []
    for currency in ("EUR", "USD"):
        failures = [{"nodes": "A", "fallback": "B", "args": {"why": "${failed.A.message}"}}]
        whole = {"name": "f", "edges": [{"from": None, "to": "A"}], "failures": failures}
        plans.append(plan_of(whole, input_schema=schema(currency)))
    world, id = world_in_which(plans[0], "B", 1)
    world.deploy(0, plans[1])
    world.work()
    assert world.results[id][0] == "success"
    assert given("B") == [{"why": "not yet", "currency": "EUR"}] * 2


def test_defaults_of_a_sub_flow_are_those_with_which_it_began() -> None:
    FAILURES["B"] = 1
    plans = []
    for currency in ("EUR", "USD"):
        below = flow({"currency": "${args.currency}"}, name="below", input_schema=schema(currency), max_retry=1)
        plans.append(plan_of(flow({"n": "${A.n}"}, "below"), below, max_retry=0))
    world, id = world_in_which(plans[0], "B", 1)
    world.deploy(0, plans[1])
    world.work()
    assert world.results[id][0] == "success"
    assert given("B") == [{"currency": "EUR"}] * 2


def test_a_second_attempt_of_the_flow_has_the_new_args_and_its_own_results() -> None:
    FAILURES["B"] = 1
    plans = []
    for n in ("${A.n}", "${A.n + 100}"):
        whole = flow({"n": n}, input_schema=schema("EUR" if n == "${A.n}" else "USD"), max_retry=1)
        whole["output"] = {"a": "${[one.n for one in all.A]}", "b": "${all.B}", "last": "${last.A.n}"}
        whole["output"]["currency"] = "${args.currency}"
        plans.append(plan_of(whole, max_retry=0))
    world, id = world_in_which(plans[0], "B", 1)
    world.deploy(0, plans[1])
    world.work()
    status, state = world.results[id]
    assert status == "success"
    assert given("B") == [{"n": 1}, {"n": 102}]
    assert state["output"] == {"a": [2], "b": [{"n": 102}], "last": 2, "currency": "EUR"}
