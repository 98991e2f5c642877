"""``python -m benchmarks.celery.idle``: what 10 000 waiting flow runs cost a worker and Redis, per second."""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from typing import Any

from benchmarks.celery.servers import redis_server
from benchmarks.celery.shapes import configuration


def main() -> int:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--quick", action="store_true", help="10 runs, one second")
    options = parser.parse_args()
    if options.quick:
        options.runs, options.seconds = 10, 1.0
    with redis_server() as redis:
        print(json.dumps(measure(f"{redis}/0", options.runs, options.seconds)))
    return 0


def measure(url: str, count: int, seconds: float) -> dict[str, Any]:
    """CPU shares (1.0 is a core) and messages sent."""
    from selinon_core.celery.execution.log_codec import encode_batch
    from selinon_core.celery.services import WorkerServices
    from selinon_core.celery.settings import AdapterSettings
    from selinon_core.celery.stores import open_store
    from selinon_core.celery.stores.protocol import Commit
    from selinon_core.celery.worker.sweep import Reaper
    from selinon_core.project import compile_data

    plan = compile_data(configuration([("chain", 10)])).plan
    assert plan is not None
    sent: list[Any] = []

    class Sender:
        def send(self, letters: Any) -> None:
            sent.extend(letters)

    store: Any = open_store(url)
    publisher: Any = Sender()
    engine = WorkerServices(
        plan,
        (),
        AdapterSettings(),
        store=store,
        publisher=publisher,
        default_queue="celery",
        write_result=lambda id, outcome: None,
    )
    chooser = random.Random(0)
    for number in range(count):
        now = time.time() - 60 + chooser.random() * 60  # looks are spread as they are in a running system
        header = {"flow": "chain10", "queue": "celery", "status": "running", "idle_check_after": "60"}
        batch = encode_batch(now, ['["S",null,{},null,null]'])
        store.commit(Commit(f"run{number}", 0, now, create=header, batch=batch))
    client = store._connected()
    sweeper = Reaper(engine)
    cpu, server = time.process_time(), client.info("cpu")
    until = time.monotonic() + seconds
    ticks = 0
    while time.monotonic() < until:
        time.sleep(sweeper.run_once())
        ticks += 1
    after = client.info("cpu")
    used = sum(after[key] - server[key] for key in ("used_cpu_sys", "used_cpu_user"))
    return {
        "waiting": count,
        "worker_cpu": round((time.process_time() - cpu) / seconds, 5),
        "redis_cpu": round(used / seconds, 5),
        "messages": len(sent),
        "looks_per_second": round(ticks / seconds, 1),
    }


if __name__ == "__main__":
    sys.exit(main())
