"""What linting costs as projects grow: whole projects through ``lint_project``, in a fresh process each.

    python benchmarks/lint.py [--rounds 5] [--quick] [--json FILE]

A project of n tasks and n edges in 50 flows with conditions, joins and sub-flows. Timed in the process,
from paths to diagnostics with every rule, imports of the linter included the first time (a lint runs once).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SIZES, QUICK_SIZES = (100, 1000, 5000, 20_000), (100, 200)
#: Seconds that the sizes named in the project's targets may take.
TARGETS = {1000: 0.25, 5000: 1.2}

CHILD = """
import json, sys, time
began = time.perf_counter()
from selinon_core.project import lint_project
project = lint_project([sys.argv[1]])
taken = time.perf_counter() - began
errors = [d.message for d in project.diagnostics if d.severity.value == "error"]
print(json.dumps({"seconds": taken, "errors": errors[:3], "diagnostics": len(project.diagnostics)}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="tiny sizes, one round")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    seconds = measure_all(QUICK_SIZES, 1) if options.quick else measure_all(SIZES, options.rounds)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}")
    print("| tasks + edges | seconds | target | us per task and edge |\n| --- | --- | --- | --- |")
    for size, taken in seconds.items():
        print(f"| {size} + {size} | {taken:.3f} | {TARGETS.get(size, '')} | {taken / size * 1e6:.0f} |")
    small, large = sorted(seconds)[-3:][0], max(seconds)
    exponent = math.log(seconds[large] / seconds[small]) / math.log(large / small)
    print(f"growth exponent from {small} to {large}: {exponent:.3f}")
    if options.json:
        options.json.write_text(json.dumps({"seconds": seconds, "exponent": exponent}, indent=1) + "\n")


def measure_all(sizes: tuple[int, ...], rounds: int) -> dict[int, float]:
    """Size -> median seconds over the rounds, after one to warm up the bytecode and file caches."""
    taken: dict[int, list[float]] = {size: [] for size in sizes}
    with tempfile.TemporaryDirectory() as place:
        for size in sizes:
            write_project(Path(place) / str(size), size)
        for number in range(rounds + 1):
            for size in sizes:
                seconds = lint(Path(place) / str(size))
                if number:
                    taken[size].append(seconds)
    return {size: statistics.median(all_) for size, all_ in taken.items()}


def lint(directory: Path) -> float:
    """Seconds that a fresh process takes to lint a project."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CHILD, str(directory)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=directory)
    if ran.returncode:
        raise SystemExit(ran.stderr)
    answer = json.loads(ran.stdout)
    if answer["errors"]:
        raise SystemExit(f"the generated project has errors: {answer['errors']}")
    return float(answer["seconds"])


def write_project(directory: Path, size: int, flows: int = 50) -> None:
    """``size`` tasks and as many edges: chains with conditions and joins of two; each flow starts the next."""
    (directory / "flows").mkdir(parents=True)
    (directory / "pyproject.toml").write_text("")
    (directory / "work.py").write_text(
        "from selinon import SelinonTask\n\n\n"
        "class Work(SelinonTask):\n    def run(self, node_args):\n        return 1\n"
    )
    declared = "  - name: T{}\n    import: work\n    classname: Work\n    storage: Memory"
    nodes = ["tasks:", *(declared.format(number) for number in range(size))]
    nodes.append(
        "storages:\n  - name: Memory\n    import: selinon_core.storages.memory\n    classname: InMemoryStorage"
    )
    (directory / "nodes.yaml").write_text("\n".join(nodes) + "\n")
    per_flow = size // flows
    for flow in range(flows):
        first = flow * per_flow
        edges = [f"      - from:\n        to: T{first}"]
        for number in range(first + 1, first + per_flow):
            if number % 5 == 0 and number - 2 >= first:
                source = f"[T{number - 1}, T{number - 2}]"
            else:
                source = f"T{number - 1}"
            edge = f"      - from: {source}\n        to: T{number}"
            if number % 3 == 0:
                node = f"T{number - 1}"
                edge += (
                    "\n        condition:\n          or:"
                    f"\n            - name: fieldEqual\n              node: {node}"
                    "\n              args: {key: kind, value: 1}"
                    f"\n            - not:\n                name: fieldExist\n                node: {node}"
                    "\n                args: {key: [a, b]}"
                )
            edges.append(edge)
        text = f"flow-definitions:\n  - name: flow{flow}\n    edges:\n" + "\n".join(edges) + "\n"
        if flow + 1 < flows:
            text += f"      - from: T{first}\n        to: flow{flow + 1}\n"
        (directory / "flows" / f"flow{flow}.yaml").write_text(text)


if __name__ == "__main__":
    main()
