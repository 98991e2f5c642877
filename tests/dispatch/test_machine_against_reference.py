"""The machine does what the rules say: after every event it agrees with the naive interpreter of the rules."""

from __future__ import annotations

from random import Random

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from selinon_core.dispatch import events as on
from selinon_core.plan import Plan
from tests.dispatch.driver import Simulation, TooBig
from tests.dispatch.flows import orders, plans, scripts, starts
from tests.dispatch.script import Script

RELAXED = settings(
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


@given(st.data(), plans(data_flow=True), scripts, orders)
@RELAXED
def test_it_agrees_after_every_event(data: st.DataObject, plan: Plan, script: Script, order: Random) -> None:
    start = data.draw(starts(plan))
    try:
        simulation = Simulation(plan, "main", script, order, start, check=True).run()
    except TooBig:
        assume(False)
    assert simulation.machine.ended


@given(st.data(), plans(data_flow=True), scripts, orders)
@RELAXED
def test_it_agrees_when_stopped_or_when_user_code_fails(
    data: st.DataObject, plan: Plan, script: Script, order: Random
) -> None:
    start = data.draw(starts(plan))
    stop = data.draw(st.builds(on.FlowCancelled) | st.builds(on.DeadlinePassed))
    stop_after = data.draw(st.none() | st.integers(1, 12))
    script = script._replace(question_fails=data.draw(st.sampled_from([0, 10, 30])))
    try:
        simulation = Simulation(
            plan, "main", script, order, start, check=True, stop_after=stop_after, stop=stop
        ).run()
    except TooBig:
        assume(False)
    assert simulation.machine.ended
