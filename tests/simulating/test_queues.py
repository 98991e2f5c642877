"""A simulated broker has every queue: environment variables in the names of queues need not be set."""

from __future__ import annotations

import pytest

from selinon_core.local import LocalOptions
from selinon_core.local.run_setup import RunSetup
from selinon_core.plan import Plan
from selinon_core.project import compile_text
from selinon_core.simulating.campaign import SimulationOptions, Subject, simulate
from selinon_core.simulating.production import run_production
from selinon_core.simulating.queues import with_known_queues

FLOW = """
tasks: [{name: A, import: m, queue: "{NO_SUCH_PREFIX}_{SOME_PREFIX}_{{A}}"}, {name: B, import: m}]
flow-definitions: [{name: f, queue: "{NO_SUCH_PREFIX}_f", edges: [{from: , to: A}, {from: A, to: B}]}]
"""


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.delenv("NO_SUCH_PREFIX", raising=False)
    monkeypatch.setenv("SOME_PREFIX", "some")
    found = compile_text({"nodes.yaml": FLOW}).plan
    assert found is not None
    return found


def test_a_campaign_needs_no_variables(plan: Plan) -> None:
    options = LocalOptions(mock_all=True)
    subject = Subject(plan, "f", None, options, RunSetup(plan, options), label="f")
    assert simulate(subject, SimulationOptions(seeds=2)).outcomes == {"success": 2}


def test_a_run_by_the_code_of_workers_needs_no_variables(plan: Plan) -> None:
    assert run_production(plan, "f", None, LocalOptions(mock_all=True)).status == "success"


def test_names_are_filled_in_as_far_as_they_can_be(plan: Plan) -> None:
    queues = [task.queue for task in with_known_queues(plan).tasks.values()]
    assert queues == ["{{NO_SUCH_PREFIX}}_some_{{A}}", "celery"]
