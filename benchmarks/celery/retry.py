"""``python -m benchmarks.celery.retry``: how long 1000 failed flow runs take to be retried.

A flow of three tasks fails in its second. Then it is mended, all runs are asked to go on, as fast as one process
can ask, and what was to run behind the failure runs. The target is 60 s. What had succeeded must not run again.

``--others`` says what that does to other runs. Runs of a flow of one task are started all the time, and the failed
runs are retried at a rate in every second window of time, so that what else loads the machine is in both. They
may take at most 10 % longer.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.celery.servers import redis_server, worker

_NOOP, _MENDED = (
    {"import": "benchmarks.celery.noop", "classname": "Noop"},
    {"import": "benchmarks.celery.noop", "classname": "Mended"},
)
_CONFIGURATION = {
    "tasks": [{"name": "Load", **_NOOP}, {"name": "Pay", **_MENDED}, {"name": "Ship", **_NOOP}],
    "flows": ["order", "other"],
    "flow-definitions": [
        {
            "name": "order",
            "edges": [
                {"from": None, "to": "Load"},
                {"from": "Load", "to": "Pay"},
                {"from": "Pay", "to": "Ship"},
            ],
        },
        {"name": "other", "edges": [{"from": None, "to": "Load"}]},
    ],
}
#: Seconds between two runs that are looked at, and seconds of a window with or without retries.
PROBE_EVERY, WINDOW = 0.1, 10.0


def main() -> int:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--state", default="", help="URL of the state store; default: a private Redis")
    parser.add_argument("--times", type=int, default=3, help="measured so often; the median is printed too")
    parser.add_argument("--others", action="store_true", help="measure how long other runs take meanwhile")
    parser.add_argument("--rate", type=float, default=17.0, help="retries a second, with --others")
    parser.add_argument("--quick", action="store_true", help="10 runs, measured once")
    options = parser.parse_args()
    if options.quick:
        options.runs, options.times = 10, 1
    with tempfile.TemporaryDirectory() as directory, redis_server() as broker, redis_server() as store:
        mended = Path(directory) / "mended"
        os.environ |= {
            "BENCH_BROKER": f"{broker}/0",
            "BENCH_BACKEND": f"{broker}/1",
            "BENCH_STATE": options.state or f"{store}/0",
            "BENCH_WORKLOADS": "[]",
            "BENCH_CONFIGURATION": json.dumps(_CONFIGURATION),
            "BENCH_MENDED": str(mended),
            "BENCH_SETTINGS": json.dumps(
                {"task_default_queue": "selinon_bench", "selinon_state_prefix": "retry_"}
            ),
        }
        arguments = ["--concurrency", "2", "--queues", "selinon_bench,celery"]
        with worker({}, *arguments, log=Path(directory) / "worker.log"):
            if options.others:
                window = 1.0 if options.quick else WINDOW
                found = _others(options.runs, options.rate, mended, window)
            else:
                found = _measured(options.runs, options.times, mended)
            print(json.dumps(found, indent=1))
    return 0


def _measured(runs: int, times: int, mended: Path) -> dict[str, Any]:
    from benchmarks.celery.app import selinon

    asked, done, calls = [], [], []
    try:
        for round_number in range(1, times + 1):
            mended.unlink(missing_ok=True)
            ids = [selinon.run_flow("order").id for _ in range(runs)]
            _until(selinon, "failure", runs)
            mended.touch()
            before, began = _scripts(selinon), time.monotonic()
            for id in ids:
                selinon.retry(id)
            asked.append(time.monotonic() - began)
            _until(selinon, "success", runs * round_number)
            done.append(time.monotonic() - began)
            calls.append((_scripts(selinon) - before) / runs)
            assert all(_loads(selinon, id) == 1 for id in ids[:50])
    finally:
        selinon.store.clear()
    return {
        "retried runs": runs,
        "seconds to ask": [round(seconds, 2) for seconds in asked],
        "seconds until all succeeded": [round(seconds, 2) for seconds in done],
        "median": round(statistics.median(done), 2),
        "calls of scripts per run": round(statistics.median(calls), 1),
        "load average": round(os.getloadavg()[0], 1),
    }


def _others(runs: int, rate: float, mended: Path, window: float) -> dict[str, Any]:
    """How long runs of the flow ``other`` take while failed runs are retried, and in the windows between."""
    from benchmarks.celery.app import selinon

    took: dict[bool, list[float]] = {True: [], False: []}
    try:
        failed = [selinon.run_flow("order").id for _ in range(runs)]
        _until(selinon, "failure", runs)
        mended.touch()
        # the scripts are at the server from then on, and the worker is warm
        warm = len(_probed(selinon, [], rate, window))
        left = list(failed)
        while left:
            now, left = left[: max(int(rate * window), 1)], left[max(int(rate * window), 1) :]
            took[True] += _probed(selinon, now, rate, window)
            took[False] += _probed(selinon, [], rate, window)
        _until(selinon, "success", runs + len(took[True]) + len(took[False]) + warm)
    finally:
        selinon.store.clear()
    figures = {
        name: {
            "p50": _milliseconds(took[busy], 0.5),
            "p95": _milliseconds(took[busy], 0.95),
            "runs": len(took[busy]),
        }
        for name, busy in (("others while runs are retried", True), ("others without", False))
    }
    medians = [statistics.median(took[busy]) for busy in (True, False)]
    return {
        "retried runs": runs,
        "a second": rate,
        **figures,
        "median longer by %": round(100 * (medians[0] / medians[1] - 1), 1),
        "load average": round(os.getloadavg()[0], 1),
    }


def _probed(selinon: Any, failed: list[str], rate: float, window: float) -> list[float]:
    """Seconds from the request to the end of runs that are started in a window, in which some are retried."""
    began, asked, todo = time.monotonic(), [], list(failed)
    due_retry = due_probe = 0.0
    while (passed := time.monotonic() - began) < window or todo:
        if todo and passed >= due_retry:
            selinon.retry(todo.pop())
            due_retry += 1 / rate
        elif passed >= due_probe and passed < window:
            at = selinon.store.clock()
            asked.append((selinon.run_flow("other").id, at))
            due_probe += PROBE_EVERY
        else:
            time.sleep(0.002)
    took = []
    for id, at in asked:
        until = time.monotonic() + 60
        while (header := selinon.store.header(id)) is None or header["status"] == "running":
            assert time.monotonic() < until, f"run {id} does not end"
            time.sleep(0.05)
        took.append(selinon.status(id)["ended"] - at)
    return took


def _milliseconds(seconds: list[float], share: float) -> float:
    return round(1000 * sorted(seconds)[int(share * (len(seconds) - 1))], 1)


def _until(selinon: Any, status: str, count: int) -> None:
    """Wait until so many runs have a status; the index is asked, not each run."""
    from selinon_core.celery.stores.index import RunQuery

    until = time.monotonic() + 600
    while (found := selinon.store.index.count(RunQuery(statuses=[status]))) != count:
        assert time.monotonic() < until, f"{found} of {count} runs have the status {status}"
        time.sleep(0.2)


def _loads(selinon: Any, id: str) -> int:
    """How many runs of the first task there were: node runs keep their numbers when they run again."""
    (record,) = selinon.store.records(id, [1]).values()
    return int(record.deliveries)


def _scripts(selinon: Any) -> int:
    """Calls of scripts that a Redis as the state store has got, each a round trip; 0 for another store."""
    client = getattr(selinon.store, "_client", None)
    if client is None:
        return 0
    found = client.info("commandstats")
    return sum(int(found.get(f"cmdstat_{name}", {}).get("calls", 0)) for name in ("eval", "evalsha"))


if __name__ == "__main__":
    sys.exit(main())
