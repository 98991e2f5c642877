"""``python -m benchmarks.celery.waiting``: what flow runs that only wait cost a real worker and the broker.

10 000 runs are started whose only task fails and waits a day for its next attempt, then a worker is watched: CPU
time of its processes, messages through the broker. (``idle`` measures the sweep alone, in one process.)
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.celery.servers import redis_server, worker

_CONFIGURATION = {
    "tasks": [
        {
            "name": "Waits",
            "import": "benchmarks.celery.noop",
            "classname": "Fails",
            "max_retry": 1,
            "retry_countdown": 86400,
        }
    ],
    "flows": ["waiting"],
    "flow-definitions": [{"name": "waiting", "edges": [{"from": None, "to": "Waits"}]}],
}


def main() -> int:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--state", default="", help="URL of the state store; default: a private Redis")
    parser.add_argument("--quick", action="store_true", help="10 runs, one second")
    options = parser.parse_args()
    if options.quick:
        options.runs, options.seconds = 10, 1.0
    with redis_server() as broker, redis_server() as store:
        os.environ |= {
            "BENCH_BROKER": f"{broker}/0",
            "BENCH_BACKEND": f"{broker}/1",
            "BENCH_STATE": options.state or f"{store}/0",
            "BENCH_WORKLOADS": "[]",
            "BENCH_CONFIGURATION": json.dumps(_CONFIGURATION),
            "BENCH_SETTINGS": json.dumps({"task_default_queue": "selinon_bench", "selinon_state_prefix": "idle_"}),
        }
        log = Path(tempfile.mkdtemp()) / "worker.log"
        arguments = ["--concurrency", "2", "--queues", "selinon_bench,celery"]
        with worker({}, *arguments, log=log) as process:
            print(json.dumps(_measured(options.runs, options.seconds, broker, process.pid), indent=1))
    return 0


def _measured(runs: int, seconds: float, broker: str, pid: int) -> dict[str, Any]:
    import redis

    from benchmarks.celery.app import selinon

    for _ in range(runs):
        last = selinon.run_flow("waiting")
    until = time.monotonic() + 600
    client: Any = redis.Redis.from_url(broker)
    while time.monotonic() < until:
        if client.llen("selinon_bench") + client.llen("celery") + client.hlen("selinon.unacked") == 0:
            break
        time.sleep(0.5)
    waiting = len(selinon.store.runs(runs + 1))
    assert waiting == runs, f"{waiting} of {runs} runs are waiting"
    assert selinon.store.timers(last.id)
    time.sleep(5)
    cpu, commands, pushed = cpu_seconds(pid), _commands(client), _pushes(client)
    began = time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - began
    return {
        "waiting runs": waiting,
        "seconds": round(passed, 1),
        "worker CPU, % of a core": round((cpu_seconds(pid) - cpu) / passed * 100, 3),
        "messages published": _pushes(client) - pushed,
        "broker commands per second, polling included": round((_commands(client) - commands) / passed, 1),
    }


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a process and its children."""
    total = 0.0
    for one in [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]:
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def _commands(client: Any) -> int:
    return int(client.info("stats")["total_commands_processed"])


def _pushes(client: Any) -> int:
    stats = client.info("commandstats")
    return sum(int(stats.get(f"cmdstat_{name}", {}).get("calls", 0)) for name in ("lpush", "rpush"))


if __name__ == "__main__":
    sys.exit(main())
