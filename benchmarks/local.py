"""What a local run costs per node, beside other ways to run a graph of tasks in one process.

    python benchmarks/local.py [--rounds 5] [--runs 5] [--original PYTHON] [--quick] [--json FILE]

Every figure is the median over rounds; in each round every peer runs every workload in a fresh process, in turns,
a few times after a run to warm up. Timed is the run with its events recorded; compiling the plan, making the graph
and writing the report are not. Peers that are not installed are left out. ``--original`` (or ``SELINON_ORIGINAL``)
names an interpreter with ``selinon==1.4.0`` and Celery: its executor is repaired at run time, see
in_process/original.py.
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
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE / "in_process"))

from shapes import COMPARED, QUICK, workload  # noqa: E402

PEERS = {
    "selinon": ("ours", None),
    "graphlib loop": ("graphlib_loop", None),
    "dask sync": ("dask_sync", "dask"),
    "Celery eager": ("celery_eager", "celery"),
}
ORIGINAL = "original 1.4.0"
#: The original needs 15 s for the fan of 5000: one run is enough.
SLOW = {(ORIGINAL, "fan:5000"), (ORIGINAL, "chain:1000")}
REMEMBERED = ("chain:5000", "fan:5000", "flows:500x5")
GROWTH = {"chain": (100, 1000, 10_000, 100_000), "fan": (100, 1000, 10_000, 100_000)}
QUICK_GROWTH = {"chain": (20, 40), "fan": (20, 40)}


def main() -> None:
    options = arguments()
    peers = installed_peers(options.original)
    seconds = compare(peers, options)
    print(heading())
    print(table(seconds, list(peers)))
    result: dict[str, Any] = {"machine": heading(), "seconds": seconds}
    result["growth"] = growth(options)
    result["bytes_per_node"] = {name: bytes_per_node(name) for name in (QUICK if options.quick else REMEMBERED)}
    print("\ngrowth, us per node: " + "; ".join(growth_line(*item) for item in result["growth"].items()))
    sizes = ", ".join(f"{name} {count:.0f}" for name, count in result["bytes_per_node"].items())
    print(f"memory, bytes per node: {sizes}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="fresh processes per peer and workload")
    parser.add_argument("--runs", type=int, default=5, help="timed runs in each of them")
    parser.add_argument("--original", default=os.environ.get("SELINON_ORIGINAL"), metavar="PYTHON")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, one round of one run")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.quick:
        options.rounds = options.runs = 1
    return options


def installed_peers(original: str | None) -> dict[str, tuple[str, str]]:
    """Name -> (module, interpreter)."""
    found = {}
    for name, (module, distribution) in PEERS.items():
        try:
            label = name if distribution is None else f"{name} {version(distribution)}"
        except PackageNotFoundError:
            print(f"{name} is not installed", file=sys.stderr)
            continue
        found[label] = (module, sys.executable)
    if original:
        found[ORIGINAL] = ("original", original)
    return found


def compare(peers: dict[str, tuple[str, str]], options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Workload -> peer -> median seconds."""
    compared = QUICK if options.quick else COMPARED
    taken: dict[str, dict[str, list[float]]] = {name: {peer: [] for peer in peers} for name in compared}
    for number in range(options.rounds):
        for name in compared:
            for peer, (module, python) in peers.items():
                slow = (peer, name) in SLOW
                if slow and number:
                    continue
                told = measure(module, name, str(1 if slow else options.runs), python)
                taken[name][peer].append(statistics.median(told["seconds"]))
                if sys.stderr.isatty():
                    print(f"\rround {number + 1}: {peer}, {name}{' ' * 30}", end="\r", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(" " * 70, end="\r", file=sys.stderr)
    return {name: {peer: statistics.median(all_) for peer, all_ in row.items()} for name, row in taken.items()}


def measure(module: str, name: str, runs: str, python: str = sys.executable) -> dict[str, Any]:
    """What a fresh process tells."""
    # The original is imported as `selinon`, which this project has, too.
    path = "" if module == "original" else str(ROOT)
    command = [python, str(HERE / "in_process" / "measure.py"), module, name, runs]
    ran = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path}, cwd=HERE
    )
    if ran.returncode:
        raise SystemExit(f"{module}, {name}:\n{ran.stderr}")
    told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return told


def growth(options: argparse.Namespace) -> dict[str, dict[int, float]]:
    """Shape -> nodes -> median seconds."""
    found: dict[str, dict[int, float]] = {}
    for shape, sizes in (QUICK_GROWTH if options.quick else GROWTH).items():
        found[shape] = {}
        for size in sizes:
            rounds = [
                measure("ours", f"{shape}:{size}", str(min(options.runs, 3)))
                for _ in range(min(options.rounds, 3))
            ]
            found[shape][size] = statistics.median(statistics.median(told["cpu_seconds"]) for told in rounds)
    return found


def growth_line(shape: str, seconds: dict[int, float]) -> str:
    """The costs per node and the exponent of the total, between the ends and as the steepest step."""
    sizes = sorted(seconds)
    steps = [exponent(seconds, a, b) for a, b in pairwise(sizes)]
    costs = " ".join(f"{seconds[size] / size * 1e6:.2f}" for size in sizes)
    whole = exponent(seconds, sizes[0], sizes[-1])
    return f"{shape} {sizes[0]}..{sizes[-1]}: {costs}, exponent {whole:.3f} (steepest step {max(steps):.3f})"


def exponent(seconds: dict[int, float], small: int, large: int) -> float:
    return math.log(seconds[large] / seconds[small]) / math.log(large / small)


def bytes_per_node(name: str) -> float:
    """What a finished run keeps, over its nodes."""
    told = measure("ours", name, "memory")
    return float(told["bytes"] / told["nodes"])


def heading() -> str:
    return f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}"


def table(seconds: dict[str, dict[str, float]], peers: list[str]) -> str:
    """Milliseconds, microseconds per task and the ratio to ours, as Markdown."""
    ours = peers[0]
    lines = ["| workload | " + " | ".join(peers) + " |", "| --- |" + " --- |" * len(peers)]
    for name, row in seconds.items():
        runs = workload(name).runs
        cells = []
        for peer in peers:
            ratio = "" if peer == ours else f", {row[peer] / row[ours]:.2f}x"
            cells.append(f"{row[peer] * 1e3:.2f} ms ({row[peer] / runs * 1e6:.2f} us{ratio})")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
