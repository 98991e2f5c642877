"""Nothing is wrong with the random flows whose decisions the original made: campaigns over them find nothing.

What their tasks did is recorded first, as a flow test case, so that attempts end as they did then.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import scripted

from selinon_core.local import LocalExecutor, LocalOptions
from selinon_core.project import compile_project
from selinon_core.simulating.campaign import FAULTS, SimulationOptions, Subject, simulate
from selinon_core.testing.case_run import CaseRunner
from selinon_core.testing.options import RunOptions
from tests.conformance.recorded import recorded_cases, write_configuration
from tests.example_counts import MANY, examples
from tests.recording.recorded import of_report, record

Json = dict[str, Any]
# What these do depends on the order in which nodes end, or they begin in the middle.
_ORDERED = ("nowait", "flow_retries", "args_from_first", "recursion", "nested_parents", "cycles")
CASES = [
    case for case in recorded_cases() if not case["request"]["selective"] and not case["name"].startswith(_ORDERED)
]
SOME = random.Random(12).sample(CASES, min(len(CASES), 200)) if MANY else random.sample(CASES, 4)
#: Flows of which campaigns once said something, and wrongly.
ONCE_BLAMED = [case for case in CASES if case["name"] in ("repeated_failures-25", "retries-43", "mixed-41")]
SEEDS = examples(3, 50)


def subject_of(case: Json, directory: Path) -> Subject:
    plan = compile_project([write_configuration(case, directory)]).plan
    assert plan is not None
    scripted.set_up(case["behaviour"])
    run = LocalExecutor(plan, LocalOptions()).run(case["request"]["flow"], case["request"]["node_args"])
    found, _ = record(plan, of_report(plan, run), data="all", expect="full")
    return CaseRunner(plan, (), RunOptions()).subject(found.case, (found.case,))


def test_what_ran_beside_an_eager_failure_is_not_compared(tmp_path: Path) -> None:
    """The flow is too large for an exploration to find the two orders."""
    (case,) = (case for case in CASES if case["name"] == "eager-16")
    (note,) = simulate(subject_of(case, tmp_path), SimulationOptions(seeds=1)).notes
    assert "the failure of left ends flow main at once" in note


@pytest.mark.parametrize(
    "case", [*SOME, *(case for case in ONCE_BLAMED if case not in SOME)], ids=lambda case: case["name"]
)
def test_a_recorded_flow_breaks_nothing(case: Json, tmp_path: Path) -> None:
    subject = subject_of(case, tmp_path)
    for options in (
        SimulationOptions(seeds=SEEDS),
        SimulationOptions(seeds=SEEDS, faults={**FAULTS, "store": 0.01}, slots=2),
        SimulationOptions(seeds=SEEDS, faults=FAULTS, slots=2, pool="threads", workers=2),
    ):
        result = simulate(subject, options)
        assert result.schedules == SEEDS
        assert result.violations == ()
