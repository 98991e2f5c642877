"""``python -m benchmarks.celery``: selinon, canvas and bare messages on real workers, side by side.

Redis is a private server. RabbitMQ is the one at ``--amqp`` (default: the local one).
Times are medians of the same run, in seconds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.celery.servers import redis_server, worker
from benchmarks.celery.shapes import FULL, QUICK, nodes


def main() -> int:
    """Run and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker", choices=("redis", "amqp"), default="redis")
    parser.add_argument("--amqp", default="amqp://guest:guest@127.0.0.1:5672//")
    parser.add_argument("--systems", default="selinon,canvas,bare")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="", help="workloads, as chain:100,fan:1000")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2)
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
            log = Path(tempfile.mkdtemp()) / "worker.log"
            arguments = ["--concurrency", str(options.processes), "--queues", "selinon_bench,celery"]
            with worker(environment, *arguments, log=log):
                rows += _measured(system, options.repeats, environment)
    _table(rows)
    if options.out:
        Path(options.out).write_text(json.dumps(rows, indent=1))
    return 0


def _measured(system: str, repeats: int, environment: dict[str, str]) -> list[dict[str, object]]:
    import os

    command = [sys.executable, "-m", "benchmarks.celery.measure", system, str(repeats)]
    with subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        rows = []
        for line in process.stdout:
            row = json.loads(line)
            row["median"] = statistics.median(row["seconds"])
            row["per_node_us"] = row["median"] / nodes(row["workload"], row["size"]) * 1e6
            rows.append(row)
            print(f"  {system} {row['workload']} {row['size']}: {row['median']:.3f} s", file=sys.stderr)
    return rows


def _table(rows: list[dict[str, object]]) -> None:
    by_cell: dict[tuple[object, object], dict[object, float]] = {}
    for row in rows:
        by_cell.setdefault((row["workload"], row["size"]), {})[row["system"]] = row["median"]  # type: ignore[assignment]
    print(f"{'workload':16}{'selinon':>10}{'canvas':>10}{'bare':>10}{'canvas/selinon':>16}{'us/node':>10}")
    for (workload, size), cell in by_cell.items():
        ours, canvas, bare = (cell.get(name) for name in ("selinon", "canvas", "bare"))
        shown = [f"{value:.3f}" if value is not None else "-" for value in (ours, canvas, bare)]
        ratio = f"{canvas / ours:.1f} x" if ours and canvas else "-"
        each = f"{ours / nodes(str(workload), int(str(size))) * 1e6:.0f}" if ours else "-"
        print(f"{workload!s:11}{size!s:>5}{shown[0]:>10}{shown[1]:>10}{shown[2]:>10}{ratio:>16}{each:>10}")


if __name__ == "__main__":
    sys.exit(main())
