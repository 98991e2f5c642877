"""Workers change to other files one by one while a flow run goes on: with its migrations every run ends."""

from __future__ import annotations

import pytest

from selinon_core.plan import Plan
from selinon_core.simulating.campaign import FAULTS, ScheduleResult, SimulationOptions, replay, simulate
from tests.celery.changed_flows import NODES, flow, plan_of
from tests.simulating.subjects import of

#: A node run is sent for all but the first of the nodes behind A.
BEFORE = [flow((None, "A"), ("A", ["B", "C", "D"]), (["B", "C", "D"], "E"))]
LONGER = [flow((None, "A"), ("A", ["B", "C", "D"]), (["B", "C", "D"], "E"), ("E", "F"))]
OTHER = [flow((None, "A"), ("A", ["B", "C", "D"]), (["B", "C"], "E"), ("D", "F"))]


def files(flows: list[dict[str, object]], **settings: str) -> Plan:
    """Files of a worker: by default runs whose flow changed go on."""
    return plan_of(NODES, flows, **{"on_graph_change": "ignore", **settings})


@pytest.mark.parametrize("flows", [BEFORE, LONGER, OTHER], ids=["the same", "longer", "another edge"])
@pytest.mark.parametrize("faults", [{}, {**FAULTS, "crash": 0.02}], ids=["none", "all"])
def test_every_run_ends(flows: list[dict[str, object]], faults: dict[str, float]) -> None:
    seen: list[ScheduleResult] = []
    options = SimulationOptions(seeds=25, faults=faults, deploy=files(flows), workers=2)
    result = simulate(of(files(BEFORE), "f"), options, seen=seen.append)
    assert result.violations == ()
    assert result.notes == ("same as undisturbed is not looked at: workers change to other files",)
    assert sum(result.outcomes.values()) == 25
    if not faults:
        assert result.outcomes == {"success": 25}


def test_a_deployment_that_lets_runs_fail_is_seen() -> None:
    options = SimulationOptions(seeds=40, faults={}, deploy=files(OTHER, on_graph_change="fail"), workers=2)
    result = simulate(of(files(BEFORE, on_graph_change="fail"), "f"), options)
    assert result.violations == ()
    assert result.outcomes["failure: its graph changed without a migration, and such runs fail"] > 0


def test_workers_change_one_after_the_other_from_a_message_on() -> None:
    options = SimulationOptions(deploy=files(LONGER), deploy_at=1, workers=2)
    transcript = replay(of(files(BEFORE), "f"), (), options).transcript
    changed_at = [transcript.index(line) for line in transcript if "has other files" in line]
    taken = [number for number, line in enumerate(transcript) if " takes " in line]
    assert len(changed_at) == 2
    assert changed_at[0] < taken[0] < changed_at[1] < taken[1]
