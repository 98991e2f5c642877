"""``python -m benchmarks.quick``: every benchmark in its quick form, so that none of them stops working unnoticed.

Each prints the same kind of figures as always, of sizes so tiny that the figures mean nothing. Two run at a time.
The exit code is 1 when one of them fails; what it printed is then shown. CI runs this.
"""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
#: Each command of README.md, the longest first.
COMMANDS = (
    "-m benchmarks.celery --quick --systems original,dbos,dbos-queue",
    "-m benchmarks.celery --quick --systems selinon,canvas,bare",
    "-m benchmarks.celery --quick --systems selinon --broker amqp --store postgres",
    "-m benchmarks.celery.growth --quick",
    "-m benchmarks.celery.waiting --quick",
    "-m benchmarks.celery.retry --quick",
    "-m benchmarks.celery.retry --quick --others",
    "-m benchmarks.celery.idle --quick",
    "benchmarks/local.py --quick",
    "benchmarks/watch.py --quick",
    "benchmarks/flow_tests.py --quick",
    "benchmarks/startup.py --quick",
    "benchmarks/lint.py --quick",
    "benchmarks/check.py --quick",
    "benchmarks/mutate.py --quick",
    "benchmarks/simulate.py --quick",
    "benchmarks/expressions.py --quick",
    "benchmarks/index.py --quick",
    "benchmarks/index_cost.py --quick",
    "benchmarks/index_cost.py --quick --store sqlite",
    "benchmarks/signal_cost.py --quick",
    "benchmarks/web.py --quick",
)


class Ended(NamedTuple):
    """How a command ended."""

    command: str
    code: int
    seconds: float
    output: str


def main() -> int:
    """Run all and print how each ended."""
    began, failed = time.perf_counter(), 0
    with ThreadPoolExecutor(2) as pool:
        for ended in pool.map(_run, COMMANDS):
            failed += ended.code != 0
            result = "passed" if ended.code == 0 else f"FAILED, exit code {ended.code}"
            print(f"== python {ended.command}: {result}, {ended.seconds:.1f} s\n{ended.output}", flush=True)
    print(f"{len(COMMANDS)} benchmarks in {time.perf_counter() - began:.0f} s, {failed} failed")
    return int(failed > 0)


def _run(command: str) -> Ended:
    began = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, *command.split()],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    return Ended(command, ran.returncode, time.perf_counter() - began, ran.stdout.strip())


if __name__ == "__main__":
    sys.exit(main())
