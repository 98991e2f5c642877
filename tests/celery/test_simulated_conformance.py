"""Recorded cases through the production driver, on simulated workers: what the original decided is decided here.

With faults (crashes anywhere, messages twice or in any order) the same node runs and outcome come out.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import scripted

from selinon_core.dispatch import select
from selinon_core.project import compile_project
from selinon_core.simulating.world import World
from tests.celery.reported import report_of
from tests.conformance.canonical import outcome_of
from tests.conformance.recorded import recorded_cases, write_configuration

Json = dict[str, Any]
CASES = recorded_cases()
# What these do depends on the order in which nodes end, as it does in the original.
_ORDERED = ("eager", "nowait", "flow_retries", "args_from_first")
SOME = random.Random(4).sample([case for case in CASES if not case["name"].startswith(_ORDERED)], 60)


def outcome(case: Json, directory: Path, **world: Any) -> tuple[Json, World]:
    project = compile_project([write_configuration(case, directory)])
    assert project.plan is not None
    scripted.set_up(case["behaviour"])
    made = World(project.plan, **world)
    request = case["request"]
    chosen = request["selective"]
    selective = None
    if chosen:
        selective = select(
            project.plan,
            request["flow"],
            chosen["task_names"],
            chosen["follow_subflows"],
            chosen["run_subsequent"],
        )
    id = made.start(request["flow"], request["node_args"], selective)
    made.work()
    report = report_of(project.plan, made.store, id)
    earlier = [scripted.earlier_id(task) for task in case["behaviour"].get("earlier", {})]
    assert list(made.store.left_over()) == []
    assert made.results[id][0] == report["status"]
    return outcome_of(report, case, earlier), made


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_recorded_cases_are_decided_as_in_the_original(case: Json, tmp_path: Path) -> None:
    assert outcome(case, tmp_path)[0] == case["outcome"]


@pytest.mark.parametrize("case", SOME, ids=lambda case: case["name"])
def test_dispatchers_of_their_own_decide_the_same(case: Json, tmp_path: Path) -> None:
    """One worker runs tasks only, the other dispatches only: every completion is handed over by a message."""
    told, _ = outcome(case, tmp_path, serves=lambda worker, queue: worker == 0)
    assert told == case["outcome"]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", SOME, ids=lambda case: case["name"])
def test_faults_change_nothing(case: Json, seed: int, tmp_path: Path) -> None:
    """Workers die at any step, messages come twice, in any order, or not: same node runs, same outcome."""
    told, world = outcome(case, tmp_path, seed=seed, shuffle=True, crash=0.03, duplicate=0.1, lose=0.05, workers=3)
    # A task whose script counts its attempts fails differently when a crash makes it run once more.
    if any("failure" in script for script in case["behaviour"]["tasks"].values()) and world.crashes:
        return
    assert told == case["outcome"]
