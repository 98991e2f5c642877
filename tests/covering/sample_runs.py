"""The runs of sample projects that the hand counts of coverage are about, and what they cover."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree
from typing import Any, NamedTuple

import pytest

from selinon_core.covering import CoverageData, collect
from selinon_core.local import LocalExecutor, LocalOptions, LocalRun
from selinon_core.plan import Plan
from selinon_core.project import Project, compile_project

SAMPLES = Path(__file__).parents[2] / "sample_flows"


class SampleRun(NamedTuple):
    """A run: its name, the flow's arguments, and how often tasks are made to fail (None: always)."""

    name: str
    node_args: Any = None
    fail: dict[str, int | None] = {}


RUNS = {
    "order_pipeline": [
        SampleRun("costs something"),
        SampleRun("a gift", {"number": 8}),
        SampleRun("second attempt", None, {"Charge": 1}),
        SampleRun("charging fails", None, {"Charge": None}),
    ],
    "payment": [
        SampleRun("third attempt"),
        SampleRun("refused", {"card": "13", "voucher": "TEA10", "amount": 81.0}),
        SampleRun("no answer", {"card": "4001", "voucher": "TEA10", "amount": 81.0}),
        SampleRun("no voucher", {"card": "4000", "voucher": "NO", "amount": 81.0}),
        SampleRun("both fail", {"card": "13", "voucher": "NO", "amount": 81.0}),
    ],
    "refinement_loop": [SampleRun("of two"), SampleRun("of a thousand", {"number": 1000})],
    "quality_gate": [SampleRun("a review"), SampleRun("documented", ["brew.py"])],
    "regions": [SampleRun("all is well"), SampleRun("one smokes", {"version": "broken-in-america"})],
}


def compiled(sample: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Plan, Project]:
    """A sample in a directory of this test: modules of the same name in other samples are not met."""
    copytree(SAMPLES / sample, tmp_path / sample)
    monkeypatch.chdir(tmp_path / sample)
    project = compile_project(["."])
    assert project.plan is not None
    return project.plan, project


def played(plan: Plan, run: SampleRun, **options: Any) -> LocalRun:
    """Run the top-level flow."""
    executor = LocalExecutor(plan, LocalOptions(fail=run.fail, pythonpath=(".",), **options))
    return executor.run(plan.top_level_flows[0], run.node_args)


def covered(plan: Plan, sample: str) -> CoverageData:
    """What all runs of a sample cover, each a case."""
    data = CoverageData()
    for run in RUNS[sample]:
        collect(played(plan, run).facts, run.name, data)
    return data
