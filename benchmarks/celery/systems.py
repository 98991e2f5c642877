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
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.celery import environments
from benchmarks.celery.environments import HERE
from benchmarks.celery.postgres import database
from benchmarks.celery.servers import WorkerError, redis_server, served, worker
from benchmarks.celery.shapes import nodes

Json = dict[str, Any]
Workload = tuple[str, int]
DBOS = ("dbos", "dbos-queue")
SYSTEMS = ("selinon", "canvas", "original", "bare", *DBOS)


class Program(NamedTuple):
    """How a system's worker and the process that measures it are started; ``app`` is of a Celery worker."""

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
            yield _row(system, {"workload": workload, "size": size, "reason": str(error)}, options)
        return
    left = list(workloads)
    while left:  # again after a failure, with nothing left of it that could disturb
        for answer in _answers(system, program, left, workloads, options):
            left.pop(0)
            yield _row(system, answer, options)


def _program(system: str, original_venv: Path) -> Program:
    if system == "original":
        python = environments.original(original_venv)
        return Program(python, "original_app:app", (str(HERE / "measure.py"),), HERE, environments.isolated())
    if system in DBOS:
        return Program(environments.dbos(), "", (str(HERE / "measure.py"),), HERE, environments.isolated())
    measure = ("-m", "benchmarks.celery.measure")
    return Program(sys.executable, "benchmarks.celery.app:app", measure, HERE.parents[1], dict(os.environ))


def _answers(
    system: str, program: Program, left: list[Workload], workloads: list[Workload], options: Namespace
) -> Iterator[Json]:
    """What one process measures, in turn; at least one answer."""
    first, reason = left[0], "the measuring process ended without an answer"
    command = [program.python, *program.measure, system, json.dumps(left)]
    command += [str(options.repeats), str(options.limit), str(options.warm)]
    try:
        with _serving(system, program, workloads, options) as environment:
            for line in _lines(command, environment, program.directory):
                reason = ""
                yield json.loads(line)
    except (RuntimeError, WorkerError) as error:
        reason = str(error)
    if reason:
        yield {"workload": first[0], "size": first[1], "reason": reason}


def _lines(command: list[str], environment: dict[str, str], directory: Path) -> Iterator[str]:
    with subprocess.Popen(command, env=environment, cwd=directory, stdout=subprocess.PIPE, text=True) as process:
        yield from process.stdout or ()


@contextmanager
def _serving(
    system: str, program: Program, workloads: list[Workload], options: Namespace
) -> Iterator[dict[str, str]]:
    """The servers and workers of a system; gives the environment to ask it in."""
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        log = Path(directory) / "worker.log"
        log.touch()
        if options.worker_log:
            stack.callback(_keep, log, Path(options.worker_log))
        if system in DBOS:
            environment = {**program.environment, "BENCH_STATE": stack.enter_context(database(options.postgres))}
            # Without a queue the process that asks also runs the workflows.
            for _ in range(options.processes if system == "dbos-queue" else 0):
                command = [program.python, "dbos_app.py"]
                stack.enter_context(served(command, environment, log=log, directory=program.directory))
        else:
            environment = stack.enter_context(_celery(program, workloads, options, log))
        yield environment


@contextmanager
def _celery(
    program: Program, workloads: list[Workload], options: Namespace, log: Path
) -> Iterator[dict[str, str]]:
    """A Celery worker; gives the environment to ask it in."""
    # RabbitMQ may be shared with others
    settings = {"task_default_queue": f"selinon_bench_{uuid.uuid4().hex[:8]}", **json.loads(options.settings)}
    queue = settings["task_default_queue"]
    with redis_server() as redis, _state(redis, options) as state:
        environment = {
            **program.environment,
            "BENCH_BROKER": f"{redis}/0" if options.broker == "redis" else options.amqp,
            "BENCH_BACKEND": f"{redis}/1",
            "BENCH_STATE": state,
            "BENCH_WORKLOADS": json.dumps(workloads),
            "BENCH_SETTINGS": json.dumps(settings),
        }
        arguments = ("--concurrency", str(options.processes), "--queues", queue)
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


@contextmanager
def _state(redis: str, options: Namespace) -> Iterator[str]:
    """The URL of the state store of selinon."""
    if options.store == "redis":
        yield f"{redis}/2"
    else:
        with database(options.postgres) as url:
            yield url.replace("postgresql://", "postgresql+psycopg://", 1)


def _keep(log: Path, where: Path) -> None:
    with where.open("ab") as kept:
        kept.write(log.read_bytes())


def _delete_queue(broker: str, name: str) -> None:
    from kombu import Connection, Exchange, Queue

    with Connection(broker) as connection:
        exchange = Exchange(name, channel=connection.default_channel)
        Queue(name, exchange, channel=connection.default_channel).delete()
        exchange.delete()


def _row(system: str, answer: Json, options: Namespace) -> Json:
    row = {"system": system, "broker": options.broker, "store": options.store}
    row |= {"seconds": [], "median": None, **answer}
    shown = row.get("reason", "")
    if row["seconds"]:
        row["median"] = statistics.median(row["seconds"])
        row["per_node_us"] = row["median"] / nodes(row["workload"], row["size"]) * 1e6
        shown = f"{row['median']:.3f} s"
    print(f"  {system} {row['workload']} {row['size']}: {shown}", file=sys.stderr, flush=True)
    return row
