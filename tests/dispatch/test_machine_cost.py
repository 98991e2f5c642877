"""One event costs what it touches, not what the flow has seen so far. Lines of code are counted, not time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from selinon_core.dispatch import FlowRun
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.plan import Plan
from tests.dispatch.driver import new_machine
from tests.dispatch.plans import edge, failure, flow, plan


def lines_run(action: Callable[[], Any]) -> int:
    """How many lines of the dispatch package ``action`` runs."""
    count = 0

    def trace(frame: FrameType, event: str, _arg: Any) -> Any:
        nonlocal count
        if not frame.f_globals.get("__name__", "").startswith("selinon_core.dispatch"):
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(before)
    return count


def started(of: Plan) -> tuple[FlowRun, list[int]]:
    """A machine, and the numbers of the runs that it started."""
    machine = new_machine(of, "main")
    return machine, numbers(machine.advance(on.FlowStarted()))


def numbers(effects: list[do.Effect]) -> list[int]:
    return [effect.node_run.number for effect in effects if isinstance(effect, do.StartTask)]


def cost_of(machine: FlowRun, event: on.Event) -> int:
    return lines_run(lambda: machine.advance(event))


def chain(length: int) -> int:
    """The cost of the last but one completion of a chain."""
    rows = [edge(None, "T0"), *(edge(f"T{i}", f"T{i + 1}", condition=True) for i in range(length))]
    machine, todo = started(plan(flow("main", rows)))
    for _ in range(length - 1):
        machine.advance(on.NodeSucceeded(todo.pop()))
        todo = numbers(machine.advance(on.ConditionAnswered(machine.asked, True)))
    question = cost_of(machine, on.NodeSucceeded(todo.pop()))
    return question + cost_of(machine, on.ConditionAnswered(machine.asked, True))


def fan_in(width: int) -> int:
    """The cost of a completion in the middle of a fan-in."""
    names = [f"T{i}" for i in range(width)]
    machine, todo = started(plan(flow("main", [edge(None, names), edge(names, "Z")])))
    for number in todo[: width // 2]:
        machine.advance(on.NodeSucceeded(number))
    return cost_of(machine, on.NodeSucceeded(todo[width // 2]))


def fan_out_by_item(width: int) -> int:
    """The cost of the last but one of many runs of one name, all of which have finished."""
    machine, _ = started(plan(flow("main", [edge(None, "A", foreach=True), edge("A", "B"), edge("B", "C")])))
    todo = numbers(machine.advance(on.ForeachAnswered(1, [None] * width)))
    for number in todo[:-1]:
        machine.advance(on.NodeSucceeded(number))
    return cost_of(machine, on.NodeSucceeded(todo[-1]))


def unrelated(size: int) -> int:
    """The cost of a completion in a flow with many edges that it has no part in."""
    rows = [edge(None, "A B"), edge("A", "C"), *(edge(f"X{i} B", f"Y{i}") for i in range(size))]
    machine, todo = started(plan(flow("main", rows, [failure(f"X{i}", "F") for i in range(size)])))
    return cost_of(machine, on.NodeSucceeded(todo[0]))


def failing(size: int) -> int:
    """The cost of a failure when many runs have failed and one is still active."""
    machine, todo = started(plan(flow("main", [edge(None, ["A"] * size + ["B"])], [failure("A", "F")])))
    for number in todo[: size - 1]:
        machine.advance(on.NodeFailed(number))
    return cost_of(machine, on.NodeFailed(todo[size - 1]))


def fallback_answers(size: int) -> int:
    """The cost of one of many answers that a fallback step waits for."""
    names = [f"A{i}" for i in range(size)]
    machine, todo = started(
        plan(flow("main", [edge(None, names)], [failure(n, "F", condition=True) for n in names]))
    )
    for number in todo:
        machine.advance(on.NodeFailed(number))
    return cost_of(machine, on.ConditionAnswered(size // 2, True))


def cycle(turns: int) -> int:
    """The cost of one more turn of a cycle beside a join that waits."""
    rows = [edge(None, "A B"), edge("A", "A", condition=True), edge("A B", "C")]
    machine, (a, _b) = started(plan(flow("main", rows)))
    for _ in range(turns):
        machine.advance(on.NodeSucceeded(a))
        (a,) = numbers(machine.advance(on.ConditionAnswered(machine.asked, True)))
    return cost_of(machine, on.NodeSucceeded(a)) + cost_of(machine, on.ConditionAnswered(machine.asked, True))


WORKLOADS = [chain, fan_in, fan_out_by_item, unrelated, failing, fallback_answers, cycle]


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.__name__)
def test_an_event_costs_the_same_in_a_flow_ten_times_as_large(workload: Callable[[int], int]) -> None:
    small = workload(20)
    assert small > 0
    assert workload(200) == small


def test_a_completion_costs_the_combinations_it_makes() -> None:
    def completing(others: int) -> int:
        machine, todo = started(plan(flow("main", [edge(None, ["A"] * others + ["B"]), edge("A B", "C")])))
        for number in todo[:-1]:
            machine.advance(on.NodeSucceeded(number))
        return cost_of(machine, on.NodeSucceeded(todo[-1]))

    ten, twenty, forty = completing(10), completing(20), completing(40)
    assert forty - twenty == 2 * (twenty - ten)
