"""What simulating costs: schedules a second of an order, and how long shrinking a violation takes.

    python benchmarks/simulate.py [--seeds 300] [--rounds 3] [--quick] [--json FILE]

The subject is flow ``order`` of the sample ``order_pipeline`` with one line and mocked tasks: five node runs in
two flow runs. The figures are per second of the processor, medians of rounds. A local run of the same order, which
has neither messages nor a store, is measured beside them: the ratio says more than the figures. Shrinking is that
of schedules that take ten virtual seconds or more.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from selinon_core.cases.model import Mocks, NodeMock, Outcome, Rule, Script
from selinon_core.local import LocalExecutor, LocalOptions, LocalRun
from selinon_core.local.run_setup import RunSetup
from selinon_core.project import compile_project
from selinon_core.simulating.campaign import DEFAULT_FAULTS, SimulationOptions, Subject, simulate

SAMPLES = Path(__file__).parents[1] / "sample_flows"
TARGETS = {"undisturbed": 1_000, "default faults": 500}
RESULTS = {
    "LoadOrder": {"number": 7, "total": 81.0, "lines": [{"item": "tea", "quantity": 2, "price": 40.5}]},
    "ReserveItem": {"item": "tea", "shelf": "T2"},
    "Charge": {"receipt": "R-7", "amount": 81.0},
    "Ship": {"parcel": "P-7", "from_shelves": ["T2"]},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="few seeds, one round")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    seeds, rounds = (5, 1) if options.quick else (options.seeds, options.rounds)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}")
    subject = order()
    executor = LocalExecutor(subject.plan, subject.options, subject.setup)
    measured = {
        "a local run": rate(lambda: [executor.run("order", {"number": 7}) for _ in range(seeds)], seeds, rounds)
    }
    print("| schedules | a second | target |\n| --- | --- | --- |")
    for name, faults in (("undisturbed", {}), ("default faults", DEFAULT_FAULTS)):
        chosen = SimulationOptions(seeds=seeds, faults=faults)
        measured[name] = rate(lambda chosen=chosen: simulate(subject, chosen), seeds, rounds)
        print(f"| {name} | {measured[name]:.0f} | {TARGETS[name]} |")
    print(f"| a local run, for comparison | {measured['a local run']:.0f} | |")
    measured["shrinking"], left = shrinking(subject)
    print(f"finding and shrinking a violation: {measured['shrinking']:.2f} s, {left} deviations left (target 1 s)")
    if options.json:
        options.json.write_text(json.dumps(measured, indent=1) + "\n")


def order() -> Subject:
    """An order with mocked tasks."""
    plan = compile_project([str(SAMPLES / "order_pipeline")]).plan
    assert plan is not None
    nodes = {name: NodeMock((Rule(None, Script((Outcome("result", value),))),)) for name, value in RESULTS.items()}
    options = LocalOptions(mocks=Mocks(nodes), mock_all=True)
    return Subject(plan, "order", {"number": 7}, options, RunSetup(plan, options))


def rate(run: Callable[[], object], count: int, rounds: int) -> float:
    """Runs a second of the processor: the median of rounds."""
    rates = []
    for _ in range(rounds):
        began = time.process_time()
        run()
        rates.append(count / (time.process_time() - began))
    return statistics.median(rates)


def shrinking(subject: Subject) -> tuple[float, int]:
    """Seconds of the processor until the first violation is found and shrunk, and how many deviations are left."""

    def judge(run: LocalRun) -> Iterable[tuple[str, str, str]]:
        if run.virtual_seconds >= 10:
            yield ("in time", "order", f"the order takes {run.virtual_seconds} s")

    began = time.process_time()
    found = simulate(subject, SimulationOptions(seeds=1000, stop_after=1), judge).violations
    return time.process_time() - began, len(found[0].deviations)


if __name__ == "__main__":
    main()
