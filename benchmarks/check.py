"""What exploring flows costs: runs a second on the flows of a typical size, and all samples together.

    python benchmarks/check.py [--rounds 5] [--quick] [--json FILE]

The flows of the first table are explored with any number of failures, in this process and without verdicts: a run
is a flow run of the dispatch machine from its start to its end. The figure is per second of the processor. The
second one is ``selinon check`` on every sample, schemas and verdicts included, with all modules loaded.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from pathlib import Path

from selinon_core.exploring import Checker, Context, Limits, ProjectModel, Summaries
from selinon_core.plan import Plan
from selinon_core.project import compile_project
from selinon_core.schemas.check import ResultSchema

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "sample_flows"
TARGETS = {"runs a second": 10_000, "all samples": 1.0}
#: Sample and flow, beside which a flow of n parallel tasks is explored.
FLOWS = (("payment", "payment"), ("order_pipeline", "order"), ("regions", "release"), ("quality_gate", "gate"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="few runs, one round")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    rounds, seconds = (1, 0.02) if options.quick else (options.rounds, 1.0)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}")
    print("| flow | runs | runs a second | target |\n| --- | --- | --- | --- |")
    measured: dict[str, float] = {}
    for sample, flow in FLOWS:
        runs, rate = explore(plan_of(sample), flow, rounds, seconds)
        measured[flow] = rate
        print(f"| {flow} | {runs} | {rate:.0f} | {TARGETS['runs a second']} |")
    taken = measured["all samples"] = check_samples(rounds)
    print(f"all samples: {taken:.3f} s (target {TARGETS['all samples']} s)")
    if options.json:
        options.json.write_text(json.dumps(measured, indent=1) + "\n")


def plan_of(sample: str) -> Plan:
    """The plan of a sample."""
    plan = compile_project([str(SAMPLES / sample)]).plan
    assert plan is not None
    return plan


def explore(plan: Plan, flow: str, rounds: int, seconds: float) -> tuple[int, float]:
    """How many runs a flow has, and how many are played in a second: the median of rounds of some seconds."""
    rates = []
    runs = 0
    model = project_model(plan)
    for _ in range(rounds):
        played, began = 0, time.process_time()
        while (taken := time.process_time() - began) < seconds or not played:
            summaries = Summaries(model, Limits(failures=None))
            runs = summaries.explore(Context(flow)).runs
            played += sum(exploration.tapes for exploration in summaries.explorations)
        rates.append(played / taken)
    return runs, statistics.median(rates)


def check_samples(rounds: int) -> float:
    """Seconds to check every sample; the median, after one round that loads modules and schemas."""
    taken = []
    plans = [plan_of(path.parent.name) for path in sorted(SAMPLES.glob("*/pyproject.toml"))]
    for number in range(rounds + 1):
        began = time.perf_counter()
        for plan in plans:
            checker = Checker(project_model(plan), Limits())
            for flow in plan.flows:
                checker.check(flow)
        if number:
            taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def project_model(plan: Plan) -> ProjectModel:
    """A model with the schemas of the sample."""
    return ProjectModel(plan, lambda task: ResultSchema.of_task(task, ""))


if __name__ == "__main__":
    main()
