"""Random flows, locally and on simulated workers: what is recorded does again what the run did."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import scripted

from selinon_core.local import LocalExecutor, LocalOptions
from selinon_core.plan import Plan
from selinon_core.project import compile_project
from selinon_core.simulating.world import World
from tests.conformance.recorded import recorded_cases, write_configuration
from tests.example_counts import examples
from tests.recording.recorded import of_report, of_workers, record

Json = dict[str, Any]
# What these do depends on the order in which nodes end, or they begin in the middle.
_ORDERED = (
    "eager",
    "nowait",
    "flow_retries",
    "args_from_first",
    "recursion",
    "nested_parents",
    "cycles",
    "mixed-62",
)
CASES = [
    case for case in recorded_cases() if not case["request"]["selective"] and not case["name"].startswith(_ORDERED)
]
SOME = random.Random(11).sample(CASES, min(len(CASES), examples(20, 300)))


def plan_of(case: Json, directory: Path) -> Plan:
    plan = compile_project([write_configuration(case, directory)]).plan
    assert plan is not None
    scripted.set_up(case["behaviour"])
    return plan


@pytest.mark.parametrize("case", SOME, ids=lambda case: case["name"])
def test_a_local_run_is_recorded(case: Json, tmp_path: Path) -> None:
    plan, request = plan_of(case, tmp_path), case["request"]
    run = LocalExecutor(plan, LocalOptions()).run(request["flow"], request["node_args"])
    found, _ = record(plan, of_report(plan, run), data="all", expect="full")
    assert found.missing == ()


@pytest.mark.parametrize("case", SOME, ids=lambda case: case["name"])
def test_a_run_on_workers_is_recorded(case: Json, tmp_path: Path) -> None:
    plan, request = plan_of(case, tmp_path), case["request"]
    world = World(plan, workers=1)
    id = world.start(request["flow"], request["node_args"])
    world.work()
    record(plan, of_workers(plan, world, id), expect="results")
