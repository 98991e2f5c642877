"""Run one workload in one peer, in this fresh process: ``measure.py PEER WORKLOAD RUNS``; prints JSON.

``{"seconds": [wall time of each run], "cpu_seconds": [...]}``, after a run to warm up. With ``memory`` instead of
a number of runs: ``{"bytes": what one run of ours keeps, "nodes": how many nodes it had}``.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from importlib import import_module
from typing import Any

from shapes import workload


def main() -> None:
    peer = import_module(sys.argv[1])
    what = workload(sys.argv[2])
    run = peer.prepare(what)
    if sys.argv[3] == "memory":
        print(json.dumps(memory(run)))
        return
    count = peer.ran(run())
    if count != what.runs:
        raise SystemExit(f"{sys.argv[1]} ran {count} tasks of {what.name}, not {what.runs}")
    seconds, cpu_seconds = [], []
    for _ in range(int(sys.argv[3])):
        gc.collect()
        began, cpu_began = time.perf_counter(), time.process_time()
        result = run()
        seconds.append(time.perf_counter() - began)
        cpu_seconds.append(time.process_time() - cpu_began)
        del result
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds}))


def memory(run: Any) -> dict[str, int]:
    """What the result of a run keeps, results of tasks (None here) aside."""
    import tracemalloc

    run()
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    result = run()
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return {"bytes": taken, "nodes": len(result.nodes)}


if __name__ == "__main__":
    main()
