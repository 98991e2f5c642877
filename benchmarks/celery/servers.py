"""Private servers and workers for the time of a benchmark."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.workers.servers import free_port, redis_program, wait_until_open


class WorkerError(Exception):
    """A worker does not start."""


@contextmanager
def redis_server(*options: str) -> Iterator[str]:
    """A Redis server without persistence; gives its URL without the database."""
    port, directory = free_port(), tempfile.mkdtemp()
    command = [redis_program(), "--port", str(port), "--bind", "127.0.0.1", "--dir", directory]
    command += list(options) or ["--save", "", "--appendonly", "no"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_until_open(port)
        yield f"redis://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def worker(
    environment: dict[str, str],
    *options: str,
    log: Path,
    app: str = "benchmarks.celery.app:app",
    python: str = sys.executable,
    directory: Path | None = None,
) -> Iterator[subprocess.Popen[Any]]:
    """A Celery worker, ready; raises ``WorkerError`` when it does not get there."""
    command = [python, "-m", "celery", "-A", app, "worker"]
    command += ["--loglevel", "WARNING", "--without-mingle", "--without-gossip", *options]
    with served(command, environment, log=log, directory=directory) as process:
        yield process


@contextmanager
def served(
    command: list[str], environment: dict[str, str], *, log: Path, directory: Path | None = None
) -> Iterator[subprocess.Popen[Any]]:
    """A process that has made the file ``BENCH_READY``; raises ``WorkerError`` when it does not get there."""
    ready = Path(tempfile.mkdtemp()) / "ready"
    environment = {**os.environ, **environment, "BENCH_READY": str(ready)}
    with log.open("ab") as out:
        process = subprocess.Popen(command, env=environment, cwd=directory, stdout=out, stderr=out)
    try:
        _wait_until(ready, process, log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(ready.parent, ignore_errors=True)


def _wait_until(ready: Path, process: subprocess.Popen[Any], log: Path, seconds: float = 120.0) -> None:
    until = time.monotonic() + seconds
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > until:
            lines = log.read_text(errors="replace").strip().splitlines()
            raise WorkerError(f"the worker does not start: {lines[-1] if lines else process.returncode}")
        time.sleep(0.05)
