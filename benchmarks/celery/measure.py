"""Runs in a process of its own against running workers: one line of JSON per workload, by the same clock for all.

The original and DBOS run this file too, in their environments: nothing of this repository is imported before it is
needed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

#: What takes longer than this many seconds is measured once.
SLOW = 5.0
#: Before it is measured a workload runs at least once, and for WARM seconds or so many times: all processes of the
#: worker have then loaded what they need.
MOST = 20


class TooLong(BaseException):
    """The limit has passed. (No ``Exception``: clients of brokers would handle it and try again.)"""


def main() -> None:
    """``measure.py SYSTEM WORKLOADS REPEATS LIMIT WARM``; stops after a failure: what failed may still run."""
    system, workloads, repeats = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
    limit, warm = float(sys.argv[4]), float(sys.argv[5])
    for workload, size in workloads:
        began = os.getloadavg()[0]
        answer = _tried(partial(_MEASURE[system], workload, size), repeats, limit, warm)
        loads = {"load_at_start": began, "load_at_end": os.getloadavg()[0]}
        print(json.dumps({"workload": workload, "size": size, **answer, **loads}), flush=True)
        if "reason" in answer:
            return


def _tried(measure: Callable[[], float], repeats: int, limit: float, warm: float) -> dict[str, Any]:
    try:
        took = _warmed(partial(_limited, measure, limit), warm)
        return {"seconds": [_limited(measure, limit) for _ in range(1 if took > SLOW else repeats)]}
    except TooLong:
        return {"reason": f"not done after {limit:.0f} s"}
    except Exception as error:
        return {"reason": f"{type(error).__name__}: {error}"[:300]}


def _warmed(measure: Callable[[], float], warm: float) -> float:
    until = time.perf_counter() + warm
    for _ in range(MOST):
        took = measure()
        if time.perf_counter() > until:
            break
    return took


def _limited(measure: Callable[[], float], limit: float) -> float:
    def stop(*_told: Any) -> None:
        raise TooLong

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        return measure()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _selinon(workload: str, size: int) -> float:
    from benchmarks.celery.app import selinon
    from benchmarks.celery.shapes import name_of, nodes

    began = time.perf_counter()
    runs = [selinon.run_flow(name_of(workload, size)) for _ in range(size if workload == "many" else 1)]
    results = [run.result() for run in runs]
    took = time.perf_counter() - began
    _check(results, nodes(workload, size))
    return took


def _original(workload: str, size: int) -> float:
    from original_app import run_flow
    from shapes import name_of, nodes

    began = time.perf_counter()
    runs = [run_flow(name_of(workload, size)) for _ in range(size if workload == "many" else 1)]
    results = [run.get() for run in runs]
    took = time.perf_counter() - began
    _check(results, nodes(workload, size))
    return took


def _check(results: list[dict[str, Any]], expected: int) -> None:
    count = sum(len(ids) for result in results for ids in result["finished_nodes"].values())
    if count != expected:
        raise RuntimeError(f"{count} nodes finished instead of {expected}")


def _canvas(workload: str, size: int) -> float:
    from benchmarks.celery.app import noop
    from benchmarks.celery.shapes import canvas

    began = time.perf_counter()
    results: list[Any] = [work.apply_async() for work in canvas(workload, size, noop)]
    for result in results:
        result.get(interval=0.005)  # groups are looked at every half second otherwise
    return time.perf_counter() - began


def _bare(workload: str, size: int) -> float:
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


def _dbos(system: str, workload: str, size: int) -> float:
    import dbos_app
    from shapes import nodes

    global _client
    if _client is None:
        _client = dbos_app.Queued() if system == "dbos-queue" else dbos_app.InProcess()
    began = time.perf_counter()
    count = _client.run(workload, size)
    took = time.perf_counter() - began
    if count != nodes(workload, size):
        raise RuntimeError(f"{count} tasks ran instead of {nodes(workload, size)}")
    return took


_client: Any = None
_MEASURE: dict[str, Callable[[str, int], float]] = {
    "selinon": _selinon,
    "canvas": _canvas,
    "bare": _bare,
    "original": _original,
    "dbos": partial(_dbos, "dbos"),
    "dbos-queue": partial(_dbos, "dbos-queue"),
}

if __name__ == "__main__":
    main()
    # Threads of clients may still wait for something.
    sys.stdout.flush()
    os._exit(0)
