"""``python -m benchmarks.celery``: selinon, canvas, the original, bare messages and DBOS, side by side.

Redis is a private server; RabbitMQ is the one at ``--amqp`` (default: the local one), PostgreSQL the one at
``--postgres``, with a database of its own. The original, selinon 1.4.0, is installed into an environment of its
own, and so is DBOS where it is missing. The table is Markdown; times are seconds, medians of the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from benchmarks.celery.environments import ORIGINAL
from benchmarks.celery.postgres import SERVER
from benchmarks.celery.shapes import FULL, QUICK, nodes
from benchmarks.celery.systems import DBOS, SYSTEMS, rows

Json = dict[str, Any]
RATIOS = ("canvas", "original", *DBOS)


def main() -> int:
    """Run and print a table."""
    options = _arguments()
    workloads = FULL
    if options.quick:
        workloads, options.repeats, options.warm = QUICK, 1, 0.0
    if options.only:
        parts = dict.fromkeys(options.only.split(","))
        workloads = [(name, int(size)) for name, size in (part.split(":") for part in parts)]
    measured: list[Json] = []
    for system in options.systems.split(","):
        for row in rows(system, workloads, options):
            measured.append(row)
            if options.out:  # also when this is stopped before the end
                Path(options.out).write_text(json.dumps(measured, indent=1) + "\n")
    print(_heading(measured, options))
    print(_table(measured))
    for row in measured:
        if "reason" in row:
            print(f"\n{row['system']} {row['workload']} {row['size']}: {row['reason']}")
    return int(options.quick and any("reason" in row for row in measured))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker", choices=("redis", "amqp"), default="redis")
    parser.add_argument("--amqp", default="amqp://guest:guest@127.0.0.1:5672//")
    parser.add_argument("--systems", type=_systems, default=",".join(SYSTEMS))
    parser.add_argument(
        "--store", choices=("redis", "postgres"), default="redis", help="the state store of selinon"
    )
    parser.add_argument("--postgres", default=SERVER, metavar="URL", help="the server for --store and DBOS")
    parser.add_argument(
        "--quick", action="store_true", help="tiny sizes, once; exit 1 when anything cannot be measured"
    )
    parser.add_argument("--only", default="", help="workloads, as chain:100,fan:1000")
    parser.add_argument(
        "--repeats", type=int, default=3, help="of what takes at most 5 s; the rest is measured once"
    )
    parser.add_argument("--warm", type=float, default=0.5, help="seconds of each workload before it is measured")
    parser.add_argument("--processes", type=int, default=2, help="of the worker")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds that one measurement may take")
    parser.add_argument(
        "--out", default="", help="a file for all times and the load they were measured under, JSON"
    )
    parser.add_argument("--settings", default="{}", help="JSON of Celery settings")
    parser.add_argument("--worker-log", default="", metavar="FILE", help="keep what the workers print")
    parser.add_argument(
        "--original-venv", type=Path, default=ORIGINAL, metavar="DIRECTORY", help="made unless it is there"
    )
    return parser.parse_args()


def _systems(text: str) -> str:
    unknown = set(text.split(",")) - set(SYSTEMS)
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: not among {', '.join(SYSTEMS)}")
    return text


def _heading(measured: list[Json], options: argparse.Namespace) -> str:
    import celery

    loads = [row[name] for row in measured for name in ("load_at_start", "load_at_end") if name in row]
    load = f", load {min(loads):.1f} to {max(loads):.1f}" if loads else ""
    broker = {"redis": "Redis", "amqp": "RabbitMQ"}[options.broker]
    store = {"redis": "Redis", "postgres": "PostgreSQL"}[options.store]
    return (
        f"Celery {celery.__version__} over {broker}, state in {store}, worker with {options.processes} processes, "
        f"Python {platform.python_version()}, {os.cpu_count()} cores{load}. Seconds, medians.\n"
    )


def _table(measured: list[Json]) -> str:
    cells: dict[tuple[str, int], dict[str, float | None]] = {}
    for row in measured:
        cells.setdefault((row["workload"], row["size"]), {})[row["system"]] = row["median"]
    systems = [name for name in SYSTEMS if any(row["system"] == name for row in measured)]
    ratios = [name for name in RATIOS if {name, "selinon"} <= set(systems)]
    each = ["selinon, us per node"] if "selinon" in systems else []
    heads = ["workload", *systems, *(f"{name} / selinon" for name in ratios), *each]
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1)]
    for (workload, size), cell in cells.items():
        ours = cell.get("selinon")
        per_node = [_number(ours and ours / nodes(workload, size) * 1e6, ".0f") for _ in each]
        factors = [_number(_over(cell.get(name), ours), ".1f") for name in ratios]
        times = [_number(cell.get(name), ".3f") for name in systems]
        lines.append([f"{workload} {size}", *times, *factors, *per_node])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _over(peer: float | None, ours: float | None) -> float | None:
    return peer / ours if peer and ours else None


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


if __name__ == "__main__":
    sys.exit(main())
