"""Nothing is wrong with the samples, whatever goes wrong around them: campaigns over them find nothing."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from selinon_core.local import LocalOptions
from selinon_core.plan import Plan
from selinon_core.project import compile_project
from selinon_core.schemas.check import ResultSchema
from selinon_core.simulating.campaign import FAULTS, SimulationOptions, simulate
from tests.example_counts import examples
from tests.simulating.subjects import SAMPLES, of

#: Schedules of each sample: with the default faults, and with all of them.
SEEDS = examples(15, 2000)
NAMES = sorted(path.parent.name for path in SAMPLES.glob("*/*.flowtest.yaml"))
ALL = SimulationOptions(seeds=SEEDS, faults={**FAULTS, "store": 0.01}, slots=2)


@cache
def plan_of(sample: str) -> Plan:
    plan = compile_project([str(SAMPLES / sample)]).plan
    assert plan is not None
    return plan


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(SimulationOptions(seeds=SEEDS), id="default"),
        pytest.param(ALL, id="all faults"),
        pytest.param(ALL._replace(pool="threads", workers=2), id="threads"),
        pytest.param(ALL._replace(strategy="pct"), id="pct"),
    ],
)
@pytest.mark.parametrize("sample", NAMES)
def test_a_sample_breaks_nothing(sample: str, options: SimulationOptions) -> None:
    plan = plan_of(sample)
    for flow in plan.top_level_flows:
        args, schema = None, plan.flows[flow].input_schema
        if schema is not None:
            args = ResultSchema.written(schema, plan.flows[flow].place.file).minimal_value()
        result = simulate(of(plan, flow, args, LocalOptions(mock_all=True, max_steps=300)), options)
        assert result.schedules == options.seeds
        assert result.violations == ()


def test_samples_are_found() -> None:
    assert len(NAMES) > 10
    assert all(Path(SAMPLES / name).is_dir() for name in NAMES)
