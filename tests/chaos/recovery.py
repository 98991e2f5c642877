"""``python -m tests.chaos.recovery --broker redis``: how soon a task runs again whose worker was killed.

Two workers with the documented settings (Celery's and selinon's defaults); the one that runs the task, or only the
process of its pool, is killed with SIGKILL half a second after the task began.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.workers.app import make
from tests.workers.processes import Worker, environment_of
from tests.workers.servers import RabbitNode, RedisServer

_TASKS = """
import os, time
import redis
from selinon_core import SelinonTask

class Slow(SelinonTask):
    def run(self, node_args):
        client = redis.Redis.from_url(os.environ["SELINON_TEST_MEMORY"])
        client.rpush(node_args["key"], f"{time.time()} {os.getpid()} {os.getppid()}")
        time.sleep(2)
"""
_NODES = """
tasks:
  - {name: Slow, import: recovery_tasks}
flow-definitions:
  - name: main
    propagate_node_args: true
    edges: [{from: , to: Slow}]
"""


def main() -> int:
    """Kill, measure, print; 1 when the slowest recovery took longer than 10 s."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.recovery", description=__doc__)
    parser.add_argument("--broker", choices=("redis", "amqp"), default="redis")
    parser.add_argument("--times", type=int, default=8)
    options = parser.parse_args()
    slowest = 0.0
    with ExitStack() as stack:
        directory = Path(tempfile.mkdtemp())
        (directory / "nodes.yaml").write_text(_NODES)
        (directory / "recovery_tasks.py").write_text(_TASKS)
        redis = RedisServer(directory / "redis", durable=False)
        server: Any = redis if options.broker == "redis" else RabbitNode(directory / "rabbit")
        for one in {redis, server}:
            one.start()
            stack.callback(one.stop)
        broker = f"{redis.url}/0" if options.broker == "redis" else server.url
        environment = environment_of(
            broker, f"{redis.url}/1", f"{redis.url}/2", [str(directory)], pythonpath=[str(directory)]
        )
        environment["SELINON_TEST_MEMORY"] = f"{redis.url}/3"
        app, selinon = make(json.loads(environment["SELINON_TEST_APP"]))
        stack.callback(app.close)

        def start(number: int) -> Worker:
            log = directory / f"worker{number}.log"
            return Worker(environment, log, "-P", "prefork", "-c", "2", "-Q", "celery")

        workers = [start(0), start(1)]
        stack.callback(lambda: [worker.kill() for worker in workers])
        for what in ("worker", "child"):
            took = []
            for number in range(options.times):
                for worker in workers:
                    worker.wait_until_ready()
                took.append(_recovery(selinon, f"{redis.url}/3", f"{what}{number}", what, workers))
                for place, worker in enumerate(workers):
                    if worker.process.poll() is not None:
                        workers[place] = start(place)
            slowest = max(slowest, *took)
            shown = ", ".join(f"{seconds:.1f}" for seconds in sorted(took))
            print(f"{options.broker}, {what} killed: median {statistics.median(took):.1f} s of {shown}")
    return int(slowest > 10)


def _recovery(selinon: Any, memory: str, key: str, what: str, workers: list[Worker]) -> float:
    import redis

    client: Any = redis.Redis.from_url(memory, decode_responses=True)
    run = selinon.run_flow("main", {"key": key})
    _, child, parent = _line(client, key, 0).split()
    time.sleep(0.5)
    if what == "child":
        os.kill(int(child), signal.SIGKILL)
    else:
        next(worker for worker in workers if worker.pid == int(parent)).kill()
    killed = time.time()
    again = float(_line(client, key, 1).split()[0])
    assert run.wait(60) == "success"
    return again - killed


def _line(client: Any, key: str, index: int) -> str:
    until = time.monotonic() + 120
    while True:
        line = client.lindex(key, index)
        if line is not None:
            return str(line)
        if time.monotonic() > until:
            raise TimeoutError(f"{key} did not run again")
        time.sleep(0.02)


if __name__ == "__main__":
    sys.exit(main())
