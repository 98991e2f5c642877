"""The same configuration, arguments and task behaviour lead to the same node runs as in the original.

What the original decided is recorded under `golden/`; `original/README.md` tells how, and what is left out because
this implementation is meant to differ there.
"""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import scripted  # the module that the recorded configurations name

from selinon_core.local import LocalRun
from selinon_core.project import compile_project
from tests.conformance import canonical
from tests.conformance.recorded import GOLDEN, Json, recorded_cases, run_locally, write_configuration


@pytest.mark.parametrize("case", recorded_cases(), ids=lambda case: case["name"])
def test_node_runs_and_outcome_are_those_of_the_original(case: Json, tmp_path: Path) -> None:
    project = compile_project([write_configuration(case, tmp_path)])
    assert project.plan is not None, [str(diagnostic) for diagnostic in project.diagnostics]
    scripted.set_up(case["behaviour"])
    run = run_locally(project.plan, case["request"])
    assert outcome_of(run, case) == case["outcome"]


def outcome_of(run: LocalRun, case: Json) -> Json:
    earlier = [scripted.earlier_id(task) for task in case["behaviour"].get("earlier", {})]
    return canonical.outcome_of(run.report(), case, earlier)


def recorded_answers() -> list[list[Any]]:
    recorded = json.loads((GOLDEN / "predicates.json").read_text())
    return [
        [name, recorded["MESSAGE"] if message == "MESSAGE" else message, args, answer]
        for name, message, args, answer in recorded["answers"]
    ]


def test_predicates_answer_as_in_the_original() -> None:
    predicates = import_module("selinon_core.predicates")
    different = []
    for name, message, args, answer in recorded_answers():
        subject = "node_args" if name.startswith("args") else "message"
        if getattr(predicates, name)(**{subject: message}, **args) is not answer:
            different.append((name, message, args, answer))
    assert not different
