"""``timed.py FLOW RUNS TIMES``: asks the original for runs of a flow and prints how many seconds they took."""

from __future__ import annotations

import sys
import time

import served

from selinon import run_flow

assert served.app is not None
flow, runs, times = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for _ in range(times):
    began = time.perf_counter()
    for result in [run_flow(flow) for _ in range(runs)]:
        result.get(timeout=300)
    print(time.perf_counter() - began, flush=True)
