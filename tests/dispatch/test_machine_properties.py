"""What holds for every flow run: replay, order of events, one question per combination, one end."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.plan import Plan
from tests.dispatch.comparable import comparable, summary
from tests.dispatch.driver import Simulation, TooBig, new_machine
from tests.dispatch.flows import orders, plans, scripts, starts
from tests.dispatch.plans import edge, flow, plan
from tests.dispatch.script import Script
from tests.dispatch.shown import shown

RELAXED = settings(deadline=None, report_multiple_bugs=False, suppress_health_check=list(HealthCheck))


def simulated(*args: Any, **options: Any) -> Simulation:
    try:
        return Simulation(*args, **options).run()
    except TooBig:
        assume(False)
        raise


@given(st.data(), plans(data_flow=True), scripts, orders)
@RELAXED
def test_the_same_events_give_the_same_effects_and_state(
    data: st.DataObject, plan: Plan, script: Script, order: Random
) -> None:
    start = data.draw(starts(plan))
    original = simulated(plan, "main", script, order, start)
    replayed = new_machine(plan, "main", start.on_unreached)
    for event, effects in zip(original.log, original.effects, strict=True):
        assert shown(replayed.advance(event)) == shown(effects)
    assert replayed.ended
    assert replayed.outcome is not None
    assert replayed.outcome.to_json() == original.outcome.to_json()
    assert (replayed.considered, replayed.fired) == (original.machine.considered, original.machine.fired)
    assert (replayed.count, replayed.asked) == (original.machine.count, original.machine.asked)


@given(st.data(), plans(data_flow=True), scripts, orders)
@RELAXED
def test_it_ends_once_and_does_nothing_after(
    data: st.DataObject, plan: Plan, script: Script, order: Random
) -> None:
    stop_after = data.draw(st.none() | st.integers(1, 10))
    start = data.draw(starts(plan))
    simulation = simulated(plan, "main", script, order, start, stop_after=stop_after)
    everything = [effect for effects in simulation.effects for effect in effects]
    assert [isinstance(effect, do.FinishFlow) for effect in everything].count(True) == 1
    assert isinstance(everything[-1], do.FinishFlow)
    assert simulation.machine.active == ()
    assert simulation.machine.open_questions == ()


@given(st.data(), plans(data_flow=True), scripts, orders)
@RELAXED
def test_considered_and_fired_count_what_was_asked_and_started(
    data: st.DataObject, plan: Plan, script: Script, order: Random
) -> None:
    """No edge is considered for a combination twice: the driver refuses a second question or run for one."""
    simulation = simulated(plan, "main", script, order, data.draw(starts(plan)))
    machine = simulation.machine
    asked = Counter(key[2] for key in simulation.questions if key[0] == "condition")
    for row in plan.flows["main"].edges:
        considered = machine.considered.get(row.index, 0)
        fired = machine.fired.get(row.index, 0)
        assert fired <= considered
        if row.condition is not None:
            assert considered == asked[row.index]
        else:
            assert considered == fired
        if row.foreach is not None:
            foreach = [key for key in simulation.questions if key[0] == "foreach" and key[2] == row.index]
            assert len(foreach) == fired


# -- rule 8 -----------------------------------------------------------------------------------------------------


@given(st.data(), plans(eager=False, data_flow=True), scripts, orders, orders)
@RELAXED
def test_the_outcome_does_not_depend_on_the_order_of_completions(
    data: st.DataObject, plan: Plan, script: Script, one: Random, other: Random
) -> None:
    start = data.draw(starts(plan))
    first = simulated(plan, "main", script, one, start)
    second = simulated(plan, "main", script, other, start)
    assert comparable(first) == comparable(second)
    assert [summary(outcome) for outcome in first.endings] == [summary(outcome) for outcome in second.endings]
    assert set(first.questions) == set(second.questions)
    assert first.machine.considered == second.machine.considered
    assert first.machine.fired == second.machine.fired


def test_the_documented_combinations_of_a_join() -> None:
    """Two finished A and two finished B before ``[A, B] -> C`` make four C."""
    joined = plan(flow("main", [edge(None, "A A B B"), edge("A B", "C")]))
    everybody_succeeds = Script(fails=0)
    for seed in range(20):
        simulation = Simulation(joined, "main", everybody_succeeds, Random(seed)).run()
        pairs = {run.sources for run in simulation.runs.values() if run.name == "C"}
        assert len(pairs) == 4


def test_edges_are_considered_in_the_order_of_the_file() -> None:
    rows = [edge(None, "A B"), edge("A", "C"), edge("A B", "D"), edge("B", "E"), edge("A", "F"), edge("B A", "G")]
    machine = new_machine(plan(flow("main", rows)), "main")
    machine.advance(on.FlowStarted())
    first = machine.advance(on.NodeSucceeded(1))
    second = machine.advance(on.NodeSucceeded(2))
    assert [e.node_run.name for e in first if isinstance(e, do.StartTask)] == ["C", "F"]
    assert [e.node_run.name for e in second if isinstance(e, do.StartTask)] == ["D", "E", "G"]
