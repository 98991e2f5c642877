"""Recorded cases on real workers: the same task runs and outcome as in the record (which local runs are held to).

``python -m tests.workers.conformance --pool prefork --broker redis --cases 680`` runs as many as asked for.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from selinon_core.celery import Selinon
from tests import services
from tests.celery.reported import Read, report_of
from tests.conformance.canonical import outcome_of
from tests.conformance.data_flow_cases import comparable_data_flow_cases
from tests.workers.app import make
from tests.workers.merging import merge, prefix_of, separated
from tests.workers.processes import Worker, environment_of
from tests.workers.servers import RedisServer

Json = dict[str, Any]
GOLDEN = Path(__file__).parents[1] / "conformance" / "golden"
# What these do depends on the order in which nodes end, as it does in the original.
ORDERED = ("eager", "nowait", "flow_retries", "args_from_first")
#: Options of ``celery worker`` and settings, by the name of the pool.
POOLS: dict[str, tuple[tuple[str, ...], Json]] = {
    "prefork": (("-P", "prefork", "-c", "2"), {}),
    "spawn": (
        ("-P", "prefork", "-c", "2"),
        {"worker_pool_start_method": "spawn", "include": ["tests.workers.app"]},
    ),
    "threads": (("-P", "threads", "-c", "4"), {}),
    "solo": (("-P", "solo"), {}),
    "gevent": (("-P", "gevent", "-c", "50"), {}),
}


def comparable_cases() -> list[Json]:
    """Every recorded case whose outcome does not depend on which task ends first, of all profiles in turn."""
    files = [
        path.read_text().splitlines() for path in sorted(GOLDEN.glob("*.jsonl")) if not _is_ordered(path.stem)
    ]
    return [json.loads(lines[i]) for i in range(max(map(len, files))) for lines in files if i < len(lines)]


def _is_ordered(name: str) -> bool:
    return name.startswith(ORDERED)


def results_in(memory: str) -> Read:
    """What finds the results that the tasks of cases stored in this Redis."""
    import redis

    client: Any = redis.Redis.from_url(memory, decode_responses=True)
    return lambda id: json.loads(client.hget("results", id))


@contextmanager
def running(
    cases: list[Json],
    pool: str,
    broker: str,
    directory: Path,
    state: str | None = None,
    workers: int = 1,
    **more_settings: Any,
) -> Iterator[tuple[Selinon, dict[str, Json], Read]]:
    """Workers that serve the cases (by prefix); ``broker`` is redis or the URL of a RabbitMQ.

    Gives also what finds the results that their tasks stored.
    """
    by_prefix = {prefix_of(number): case for number, case in enumerate(cases)}
    queue = services.private_name()
    configuration, behaviours = directory / "nodes.yaml", directory / "cases.json"
    configuration.write_text(json.dumps(merge(by_prefix, queue)))
    behaviours.write_text(json.dumps({prefix: case["behaviour"] for prefix, case in by_prefix.items()}))
    with ExitStack() as stack:
        redis = RedisServer(directory / "redis", durable=False)
        redis.start()
        stack.callback(redis.stop)
        options, settings = POOLS[pool]
        urls = (f"{redis.url}/0" if broker == "redis" else broker, f"{redis.url}/1", state or f"{redis.url}/2")
        environment = environment_of(
            *urls, [str(configuration)], task_default_queue=queue, **settings, **more_settings
        )
        environment["SELINON_TEST_MEMORY"] = f"{redis.url}/3"
        environment["SELINON_TEST_CASES"] = str(behaviours)
        made = [
            Worker(environment, directory / f"worker{number}.log", *options, "-Q", queue)
            for number in range(workers)
        ]
        for worker in made:
            stack.callback(worker.stop)
        for worker in made:
            worker.wait_until_ready()
        app, selinon = make(json.loads(environment["SELINON_TEST_APP"]))
        stack.callback(app.close)
        stack.callback(selinon.store.close)
        yield selinon, by_prefix, results_in(environment["SELINON_TEST_MEMORY"])
        if broker != "redis":
            with app.connection_for_write() as connection:
                connection.default_channel.queue_delete(queue)


def start(selinon: Selinon, prefix: str, case: Json) -> str:
    """Ask for the run that the case is about; returns its id."""
    request = case["request"]
    flow, chosen = prefix + request["flow"], request["selective"]
    if not chosen:
        return selinon.run_flow(flow, request["node_args"]).id
    subsequent = chosen["run_subsequent"]
    if not isinstance(subsequent, bool):
        subsequent = [prefix + name for name in subsequent]
    names = [prefix + name for name in chosen["task_names"]]
    return selinon.run_flow_selective(flow, names, request["node_args"], chosen["follow_subflows"], subsequent).id


def wait_for_all(selinon: Selinon, ids: list[str], seconds: float) -> list[str]:
    """Wait for the end of runs and of their sub-flows; returns those that did not end."""
    until = time.monotonic() + seconds
    left = list(ids)
    while left and time.monotonic() < until:
        left = [id for id in left if (selinon.store.header(id) or {"status": "running"})["status"] == "running"]
        if left:
            time.sleep(0.05)
    while selinon.store.runs(1) and time.monotonic() < until:
        time.sleep(0.05)
    return left


def told(selinon: Selinon, id: str, prefix: str, case: Json, read: Read) -> Json:
    """What a run did, as the record has it; ``read`` finds the results that arguments refer to."""
    report = separated(report_of(selinon.plan, selinon.store, id, read), prefix)
    earlier = [f"earlier-{task}" for task in case["behaviour"].get("earlier", {})]
    return outcome_of(report, case, earlier)


def differences(selinon: Selinon, by_prefix: dict[str, Json], read: Read, seconds: float) -> list[str]:
    """Run all cases at once; returns what was different, by the name of the case."""
    ids = {prefix: start(selinon, prefix, case) for prefix, case in by_prefix.items()}
    missing = set(wait_for_all(selinon, list(ids.values()), seconds))
    different = []
    for prefix, case in by_prefix.items():
        if ids[prefix] in missing:
            different.append(f"{case['name']}: did not end")
            continue
        outcome = told(selinon, ids[prefix], prefix, case, read)
        if outcome != case["outcome"]:
            different.append(f"{case['name']}: {json.dumps(outcome)} instead of {json.dumps(case['outcome'])}")
    return different


def main() -> int:
    """Run cases and say how many came out the same."""
    parser = argparse.ArgumentParser(prog="python -m tests.workers.conformance", description=__doc__)
    parser.add_argument("--pool", choices=POOLS, default="prefork")
    parser.add_argument("--broker", default="redis", help="redis (a private server) or an amqp:// URL")
    parser.add_argument("--state", default=None, help="URL of a state store; default: the private Redis")
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--data-flow", type=int, default=100, help="how many random cases of data flow besides")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    cases = comparable_cases()[: options.cases] + comparable_data_flow_cases(options.data_flow)
    directory = Path(tempfile.mkdtemp())
    began = time.monotonic()
    where = running(cases, options.pool, options.broker, directory, options.state, options.workers)
    with where as (selinon, by_prefix, read):
        different = differences(selinon, by_prefix, read, options.seconds)
    for line in different:
        print(line[:2000])
    same = len(cases) - len(different)
    print(f"{options.pool}, {options.broker}: {same} of {len(cases)} the same, {time.monotonic() - began:.1f} s")
    print(f"logs: {directory}" if different else "", end="")
    return 1 if different else 0


if __name__ == "__main__":
    os.chdir(Path(__file__).parents[2])
    sys.exit(main())
