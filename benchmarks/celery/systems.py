"""Each system with a worker, a Redis and a queue of its own, and its rows of results."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import uuid
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.celery.original import HERE, interpreter, isolated
from benchmarks.celery.servers import WorkerError, redis_server, worker
from benchmarks.celery.shapes import nodes

Json = dict[str, Any]
Workload = tuple[str, int]
SYSTEMS = ("selinon", "canvas", "original", "bare")


class Program(NamedTuple):
    """How a system's worker and the process that measures it are started."""

    python: str
    app: str
    measure: tuple[str, ...]
    directory: Path
    environment: dict[str, str]


def rows(system: str, workloads: list[Workload], options: Namespace) -> Iterator[Json]:
    """A row for each workload, with ``seconds`` and their ``median``, or with a ``reason`` why there are none."""
    try:
        program = _program(system, options.original_venv)
    except RuntimeError as error:
        for workload, size in workloads:
            yield _row(system, {"workload": workload, "size": size, "reason": str(error)}, options.broker)
        return
    left = list(workloads)
    while left:  # again after a failure, with nothing left of it that could disturb
        for answer in _answers(system, program, left, workloads, options):
            left.pop(0)
            yield _row(system, answer, options.broker)


def _program(system: str, original_venv: Path) -> Program:
    if system == "original":
        python = str(interpreter(original_venv))
        return Program(python, "original_app:app", (str(HERE / "measure.py"),), HERE, isolated())
    measure = ("-m", "benchmarks.celery.measure")
    return Program(sys.executable, "benchmarks.celery.app:app", measure, HERE.parents[1], dict(os.environ))


def _answers(
    system: str, program: Program, left: list[Workload], workloads: list[Workload], options: Namespace
) -> Iterator[Json]:
    """What one process measures, in turn; at least one answer."""
    first, reason = left[0], "the measuring process ended without an answer"
    command = [program.python, *program.measure, system, json.dumps(left)]
    command += [str(options.repeats), str(options.limit)]
    try:
        with _serving(program, workloads, options) as environment:
            for line in _lines(command, environment, program.directory):
                reason = ""
                yield json.loads(line)
    except WorkerError as error:
        reason = str(error)
    if reason:
        yield {"workload": first[0], "size": first[1], "reason": reason}


def _lines(command: list[str], environment: dict[str, str], directory: Path) -> Iterator[str]:
    with subprocess.Popen(command, env=environment, cwd=directory, stdout=subprocess.PIPE, text=True) as process:
        yield from process.stdout or ()


@contextmanager
def _serving(program: Program, workloads: list[Workload], options: Namespace) -> Iterator[dict[str, str]]:
    """A worker; gives the environment to ask it in."""
    # RabbitMQ may be shared with others
    settings = {"task_default_queue": f"selinon_bench_{uuid.uuid4().hex[:8]}", **json.loads(options.settings)}
    with redis_server() as redis, tempfile.TemporaryDirectory() as directory:
        environment = {
            **program.environment,
            "BENCH_BROKER": f"{redis}/0" if options.broker == "redis" else options.amqp,
            "BENCH_BACKEND": f"{redis}/1",
            "BENCH_STATE": f"{redis}/2",
            "BENCH_WORKLOADS": json.dumps(workloads),
            "BENCH_SETTINGS": json.dumps(settings),
        }
        queue = settings["task_default_queue"]
        arguments = ("--concurrency", str(options.processes), "--queues", queue)
        log = Path(directory) / "worker.log"
        try:
            with worker(
                environment,
                *arguments,
                log=log,
                app=program.app,
                python=program.python,
                directory=program.directory,
            ):
                yield environment
        finally:
            _delete_queue(environment["BENCH_BROKER"], queue)
            if options.worker_log:
                with Path(options.worker_log).open("ab") as kept:
                    kept.write(log.read_bytes())


def _delete_queue(broker: str, name: str) -> None:
    from kombu import Connection, Exchange, Queue

    with Connection(broker) as connection:
        exchange = Exchange(name, channel=connection.default_channel)
        Queue(name, exchange, channel=connection.default_channel).delete()
        exchange.delete()


def _row(system: str, answer: Json, broker: str) -> Json:
    row = {"system": system, "broker": broker, "seconds": [], "median": None, **answer}
    shown = row.get("reason", "")
    if row["seconds"]:
        row["median"] = statistics.median(row["seconds"])
        row["per_node_us"] = row["median"] / nodes(row["workload"], row["size"]) * 1e6
        shown = f"{row['median']:.3f} s"
    print(f"  {system} {row['workload']} {row['size']}: {shown}", file=sys.stderr, flush=True)
    return row
