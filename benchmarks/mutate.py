"""What judging mutants costs: case runs a second, and all samples together.

    python benchmarks/mutate.py [--rounds 5] [--quick] [--json FILE]

The mutants of some samples are judged by their cases, in this process and without looking for equivalents: a case
run is one case with one mutant, from its start to its verdict. The figure is per second of the processor. The
second one is the samples together with the search for equivalents and for missing cases, with all modules loaded.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from contextlib import chdir
from pathlib import Path

from selinon_core.mutating.campaign import Campaign, Equivalence
from selinon_core.mutating.operators import mutants
from selinon_core.plan import Plan
from selinon_core.schemas.check import ResultSchema
from selinon_core.testing.collection import CaseFile, collect

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "sample_flows"
TARGETS = {"case runs a second": 1_500, "all samples": 3.0}
#: Samples with many mutants, and cases that mock their tasks or run small ones.
OFTEN = ("payment", "order_pipeline", "quality_gate", "refinement_loop")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    rounds = 1 if options.quick else options.rounds
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}")
    print("| sample | mutants | case runs | case runs a second | target |\n| --- | --- | --- | --- | --- |")
    measured: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as directory:
        names = sorted(path.parent.name for path in SAMPLES.glob("*/pyproject.toml"))
        for name in names:
            shutil.copytree(SAMPLES / name, Path(directory) / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in OFTEN:
            with chdir(Path(directory) / name):
                count, runs, rate = judged(rounds)
            measured[name] = rate
            print(f"| {name} | {count} | {runs} | {rate:.0f} | {TARGETS['case runs a second']} |")
        taken = measured["all samples"] = all_samples(Path(directory), names, rounds)
    print(f"all samples: {taken:.3f} s (target {TARGETS['all samples']} s)")
    if options.json:
        options.json.write_text(json.dumps(measured, indent=1) + "\n")


def judged(rounds: int) -> tuple[int, int, float]:
    """How many mutants the project here has, how many case runs judge them, and how many a second: the median."""
    files, plan, pythonpath = project()
    found = mutants(plan)
    rates = []
    runs = 0
    for number in range(rounds + 1):
        campaign = Campaign(plan, pythonpath, files, None)
        campaign.rehearse()
        began = time.process_time()
        runs = sum(campaign.judge(mutant).runs for mutant in found)
        if number or rounds == 1:  # the first one imports the tasks
            rates.append(runs / (time.process_time() - began))
    return len(found), runs, statistics.median(rates)


def all_samples(directory: Path, names: list[str], rounds: int) -> float:
    """Seconds of the processor for the mutants of all samples; the median, after a round that loads modules."""
    taken = []
    for number in range(rounds + 1):
        began = time.process_time()
        for name in names:
            with chdir(directory / name):
                files, plan, pythonpath = project()
                equivalence = Equivalence(lambda task: ResultSchema.of_task(task, ""))
                campaign = Campaign(plan, pythonpath, files, equivalence)
                campaign.rehearse()
                for mutant in mutants(plan):
                    campaign.judge(mutant)
        if number:
            taken.append(time.process_time() - began)
    return statistics.median(taken)


def project() -> tuple[list[CaseFile], Plan, tuple[str, ...]]:
    """The case files here, with their project; what sinks of the trace print is left out."""
    files = collect([])
    found = files[0].project
    assert found.plan is not None
    plan = found.plan
    return files, Plan(plan.tasks, plan.flows, plan.storages, plan.settings._replace(trace=())), found.pythonpath


if __name__ == "__main__":
    sys.exit(main())
