"""``python -m benchmarks.celery``: selinon, canvas, bare messages and the original, side by side on real workers.

Redis is a private server. RabbitMQ is the one at ``--amqp`` (default: the local one). The original selinon 1.4.0
is installed into an environment of its own; its polling interval is 0.
Times are medians of the same run, in seconds; ``--out`` keeps all of them, with the load of the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.celery.original_system import measured, original_worker
from benchmarks.celery.servers import redis_server, worker
from benchmarks.celery.shapes import FULL, QUICK, nodes

Json = dict[str, Any]
COLUMNS = ("selinon", "canvas", "original", "bare")


def main() -> int:
    """Run and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker", choices=("redis", "amqp"), default="redis")
    parser.add_argument("--amqp", default="amqp://guest:guest@127.0.0.1:5672//")
    parser.add_argument("--systems", default="selinon,canvas,bare,original")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="", help="workloads, as chain:100,fan:1000")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--limit", type=float, default=240.0, help="seconds for a workload of the original")
    parser.add_argument("--out", default="")
    parser.add_argument("--settings", default="{}", help="JSON of Celery settings")
    options = parser.parse_args()
    workloads = QUICK if options.quick else FULL
    if options.only:
        workloads = [(name, int(size)) for name, size in (part.split(":") for part in options.only.split(","))]
    rows = []
    for system in options.systems.split(","):
        with redis_server() as redis:
            environment = {
                "BENCH_BROKER": f"{redis}/0" if options.broker == "redis" else options.amqp,
                "BENCH_BACKEND": f"{redis}/1",
                "BENCH_STATE": f"{redis}/2",
                "BENCH_WORKLOADS": json.dumps(workloads),
                "BENCH_SETTINGS": json.dumps(
                    {"task_default_queue": "selinon_bench", **json.loads(options.settings)}
                ),
            }
            if system == "original":
                rows += _original(workloads, options, environment)
                continue
            log = Path(tempfile.mkdtemp()) / "worker.log"
            arguments = ["--concurrency", str(options.processes), "--queues", "selinon_bench,celery"]
            with worker(environment, *arguments, log=log):
                rows += _measured(system, options.repeats, environment)
    _table(rows)
    if options.out:
        Path(options.out).write_text(json.dumps(rows, indent=1))
    return 0


def _measured(system: str, repeats: int, environment: dict[str, str]) -> list[Json]:
    command = [sys.executable, "-m", "benchmarks.celery.measure", system, str(repeats)]
    with subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        return [_told(json.loads(line)) for line in process.stdout]


def _original(
    workloads: list[tuple[str, int]], options: argparse.Namespace, environment: dict[str, str]
) -> list[Json]:
    with original_worker(workloads, environment, options.processes) as mine:
        return [
            _told(measured(workload, size, 1 if size >= 500 else options.repeats, mine, options.limit))
            for workload, size in workloads
        ]


def _told(row: Json) -> Json:
    row["load"] = os.getloadavg()[0]
    shown = row.get("reason", "")
    if "seconds" in row:
        row["median"] = statistics.median(row["seconds"])
        row["per_node_us"] = row["median"] / nodes(row["workload"], row["size"]) * 1e6
        shown = f"{row['median']:.3f} s"
    print(f"  {row['system']} {row['workload']} {row['size']}: {shown}", file=sys.stderr)
    return row


def _table(rows: list[Json]) -> None:
    cells: dict[tuple[str, int], dict[str, float]] = {}
    for row in rows:
        cells.setdefault((row["workload"], row["size"]), {})[row["system"]] = row.get("median", 0.0)
    heads = ["workload", *COLUMNS, "canvas / selinon", "original / selinon", "us per node"]
    _line(heads)
    _line(["---"] * len(heads))
    for (workload, size), cell in cells.items():
        ours = cell.get("selinon", 0.0)
        times = [f"{cell[name]:.3f}" if cell.get(name) else "-" for name in COLUMNS]
        peers = [cell.get(name, 0.0) for name in ("canvas", "original")]
        ratios = [f"{peer / ours:.1f}" if ours and peer else "-" for peer in peers]
        _line([f"{workload} {size}", *times, *ratios, f"{ours / nodes(workload, size) * 1e6:.0f}"])


def _line(cells: list[str]) -> None:
    print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    sys.exit(main())
