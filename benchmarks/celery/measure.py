"""Runs in a process of its own against running workers: prints one JSON line per measurement."""

from __future__ import annotations

import json
import sys
import time
from typing import Any


def main() -> None:
    """``measure.py SYSTEM REPEATS`` with the workloads in the environment."""
    import os

    system, repeats = sys.argv[1], int(sys.argv[2])
    for workload, size in json.loads(os.environ["BENCH_WORKLOADS"]):
        _MEASURE[system](workload, size)
        times = [_MEASURE[system](workload, size) for _ in range(1 if size >= 5000 else repeats)]
        print(json.dumps({"system": system, "workload": workload, "size": size, "seconds": times}), flush=True)


def _selinon(workload: str, size: int) -> float:
    from benchmarks.celery.app import selinon
    from benchmarks.celery.shapes import name_of

    began = time.perf_counter()
    runs = [selinon.run_flow(name_of(workload, size)) for _ in range(size if workload == "many" else 1)]
    for run in runs:
        run.result(300)
    return time.perf_counter() - began


def _canvas(workload: str, size: int) -> float:
    from benchmarks.celery.app import noop
    from benchmarks.celery.shapes import canvas

    began = time.perf_counter()
    results: list[Any] = [work.apply_async() for work in canvas(workload, size, noop)]
    for result in results:
        result.get(timeout=300)
    return time.perf_counter() - began


def _bare(workload: str, size: int) -> float:
    import os

    import redis

    from benchmarks.celery.app import app, bare
    from benchmarks.celery.shapes import nodes

    client: Any = redis.Redis.from_url(os.environ["BENCH_BACKEND"])
    client.delete("bare")
    count = nodes(workload, size)
    began = time.perf_counter()
    with app.producer_pool.acquire(block=True) as producer:
        for _ in range(count):
            bare.apply_async(producer=producer)
    while int(client.get("bare") or 0) < count:
        time.sleep(0.002)
    return time.perf_counter() - began


_MEASURE = {"selinon": _selinon, "canvas": _canvas, "bare": _bare}

if __name__ == "__main__":
    main()
