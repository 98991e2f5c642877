"""``python -m benchmarks.celery.growth``: what a node costs in a large flow and in a small one.

For chains and fan-outs of 100, 1000 and 10 000 nodes, per node: time, CPU time of the worker, the bytes that the
state store was sent and keeps; and the largest message. Workers are real; Redis is a private server.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.celery.servers import redis_server, worker
from benchmarks.celery.shapes import name_of, nodes
from benchmarks.celery.waiting import cpu_seconds

SIZES, QUICK_SIZES = (100, 1000, 10_000), (5, 10)
#: Nodes that are run for one measurement, in as many flow runs as that takes.
LEAST = 2000
#: Where starts of flow runs are kept until the runs exist.
STARTS = ("selinon.starts", "selinon.starts.messages")


def main() -> int:
    """Measure and print a table and the ratios that matter."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shapes", default="chain,fan")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--inline-count", type=int, default=1000, help="0: every node goes through the broker")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, once")
    options = parser.parse_args()
    sizes, repeats, least = (QUICK_SIZES, 1, 1) if options.quick else (SIZES, options.repeats, LEAST)
    workloads = [(shape, size) for shape in options.shapes.split(",") for size in sizes]
    settings = {"task_default_queue": "selinon_bench", "selinon_inline_count": options.inline_count}
    with redis_server() as broker, redis_server() as store:
        os.environ |= {
            "BENCH_BROKER": f"{broker}/0",
            "BENCH_BACKEND": f"{broker}/1",
            "BENCH_STATE": f"{store}/0",
            "BENCH_WORKLOADS": json.dumps(workloads),
            "BENCH_SETTINGS": json.dumps(settings),
        }
        log = Path(tempfile.mkdtemp()) / "worker.log"
        with worker({}, "--concurrency", "2", "--queues", "selinon_bench,celery", log=log) as process:
            rows = [
                _measured(shape, size, repeats, least, broker, store, process.pid) for shape, size in workloads
            ]
    heads = ("us/node", "CPU us/node", "largest message", "bytes sent/node", "bytes kept/node")
    print(f"{'flow':12}" + "".join(f"{head:>18}" for head in heads))
    for row in rows:
        figures = (row["us"], row["cpu"], row["message"], row["sent"], row["kept"])
        print(f"{row['flow']:12}" + "".join(f"{figure:>18.0f}" for figure in figures))
    for shape in options.shapes.split(","):
        costs = {row["size"]: row for row in rows if row["definition"] == shape}
        times, cpu = (_over(costs[sizes[-1]][of], costs[sizes[0]][of]) for of in ("us", "cpu"))
        print(
            f"{shape}: from {sizes[0]} to {sizes[-1]} nodes, per node {times:.2f} x the time, {cpu:.2f} x the CPU"
        )
    return 0


def _over(large: float, small: float) -> float:
    return large / small if small else math.nan


def _measured(
    shape: str, size: int, repeats: int, least: int, broker: str, store: str, pid: int
) -> dict[str, Any]:
    import redis

    from benchmarks.celery.app import selinon

    count, flow = nodes(shape, size), name_of(shape, size)
    selinon.run_flow(flow).result(600)  # everything is loaded and warm
    client: Any = redis.Redis.from_url(store)
    seconds, cpu, sent, kept = [], [], [], []
    # One more run, watched message by message, which takes time and so is not measured.
    message = _largest_message(broker, lambda: selinon.run_flow(flow).result(600))
    for _ in range(repeats):
        client.flushall()
        redis.Redis.from_url(broker).delete(*STARTS)  # or the runs that are gone would be started again
        before = int(client.info("stats")["total_net_input_bytes"])
        empty = int(client.info("memory")["used_memory"])
        used, began = cpu_seconds(pid), time.perf_counter()
        # As many runs that all take long enough for the clock of CPU times.
        times = max(1, least // count)
        for _ in range(times):
            selinon.run_flow(flow).result(600)
        cpu.append((cpu_seconds(pid) - used) / times)
        seconds.append((time.perf_counter() - began) / times)
        sent.append((int(client.info("stats")["total_net_input_bytes"]) - before) / times)
        kept.append((int(client.info("memory")["used_memory"]) - empty) / times)
    return {
        "flow": flow,
        "definition": shape,
        "size": size,
        "us": statistics.median(seconds) / count * 1e6,
        "cpu": statistics.median(cpu) / count * 1e6,
        "message": message,
        "sent": statistics.median(sent) / count,
        "kept": statistics.median(kept) / count,
    }


def _largest_message(broker: str, action: Any) -> int:
    """Run ``action`` and return the size of the largest value that was pushed onto a queue meanwhile."""
    import redis

    client: Any = redis.Redis.from_url(broker)
    largest, over = [0], threading.Event()

    def watch() -> None:
        with client.monitor() as monitor:
            ready.set()
            for command in monitor.listen():
                if over.is_set():
                    return
                if command["command"].upper().startswith("LPUSH"):
                    largest[0] = max(largest[0], len(command["command"]))

    ready = threading.Event()
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    ready.wait(5)
    action()
    over.set()
    redis.Redis.from_url(broker).ping()  # something for the watcher to see
    thread.join(10)
    return largest[0]


if __name__ == "__main__":
    sys.exit(main())
