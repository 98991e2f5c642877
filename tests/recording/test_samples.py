"""Runs of the sample flows as recorded cases: each does again what the run did, and passes as it is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from selinon_core.cases.model import Case
from selinon_core.local import LocalRun
from selinon_core.plan import Plan
from selinon_core.testing.case_run import CaseRunner
from selinon_core.testing.collection import CaseFile, collect
from selinon_core.testing.observation import Observation
from selinon_core.testing.options import RunOptions
from tests.recording.recorded import of_report, of_trace, record

SAMPLES = Path(__file__).parents[2] / "sample_flows"
DIRECTORIES = sorted(path.name for path in SAMPLES.iterdir() if list(path.glob("*.flowtest.yaml")))


def runs(file: CaseFile) -> Iterator[tuple[Case, Plan, LocalRun]]:
    """The runs of the cases of a file that are not about a part of a flow."""
    plan = file.project.plan
    assert plan is not None
    runner = CaseRunner(plan, tuple(file.project.pythonpath), RunOptions())
    for case in file.cases:
        if case.skip is None and not case.select and not plan.flows.keys() & case.mocks.nodes.keys():
            seen = runner.observed(case, file.cases, case.seeds[0])
            assert isinstance(seen, Observation)
            yield case, plan, seen.run


@pytest.mark.parametrize("directory", DIRECTORIES)
def test_a_report_and_a_trace_of_every_case_are_recorded(directory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SAMPLES / directory)
    for file in collect(["."]):
        for case, plan, run in runs(file):
            everything, _ = record(plan, of_report(plan, run), case.name, data="all", expect="full")
            assert everything.missing == ()
            record(plan, of_report(plan, run), case.name, data="decisions", expect="results")
            record(plan, of_trace(plan, run), case.name)
