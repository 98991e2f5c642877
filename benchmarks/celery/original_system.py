"""The original selinon 1.4.0 in an environment of its own, so that it can be measured on the same servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.celery.shapes import configuration, name_of

HERE = Path(__file__).parent / "original"
ENVIRONMENT = Path(__file__).parents[2] / ".benchmarks" / "original"
REQUIREMENTS = ("selinon==1.4.0", "celery[redis]>=5.7,<6")


def interpreter() -> Path:
    """The Python that has the original; the environment is made once."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *REQUIREMENTS], check=True)
    return python


@contextmanager
def original_worker(
    workloads: list[tuple[str, int]], environment: Mapping[str, str], processes: int
) -> Iterator[dict[str, str]]:
    """A worker of the original; gives the environment to ask it for runs in."""
    directory = Path(tempfile.mkdtemp())
    given = configuration(workloads)
    for part in (*given["tasks"], *given["storages"]):
        part["import"] = "served"
    for storage in given["storages"]:
        storage["configuration"] = {"name": storage["name"]}  # it has to have one
    for flow in given["flow-definitions"]:
        flow["sampling"] = {"name": "constant", "args": {"retry": 0}}
        for edge in flow["edges"]:
            edge["from"] = edge["from"] or []
    nodes = {key: given[key] for key in ("tasks", "storages", "flows")}
    nodes["global"] = {"default_task_queue": "selinon_bench", "default_dispatcher_queue": "selinon_bench"}
    file = directory / "configuration.json"
    file.write_text(json.dumps({"nodes": nodes, "flows": given["flow-definitions"]}))
    mine = {**os.environ, **environment, "BENCH_ORIGINAL": str(file), "PYTHONPATH": str(HERE)}
    command = [str(interpreter()), "-m", "celery", "-A", "served:app", "worker", "--loglevel", "WARNING"]
    command += ["--without-mingle", "--without-gossip", "--concurrency", str(processes), "-Q", "selinon_bench"]
    with (directory / "worker.log").open("wb") as out:
        process = subprocess.Popen(command, env=mine, cwd=HERE, stdout=out, stderr=out)
    try:
        yield mine
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def measured(workload: str, size: int, repeats: int, environment: dict[str, str], limit: float) -> dict[str, Any]:
    """A row of results; without ``seconds`` and with ``reason`` where it failed or took longer than ``limit``."""
    runs = size if workload == "many" else 1
    row: dict[str, Any] = {"system": "original", "workload": workload, "size": size}
    command = [str(interpreter()), "timed.py", name_of(workload, size), str(runs), str(repeats + 1)]
    try:
        done = subprocess.run(
            command, env=environment, cwd=HERE, capture_output=True, text=True, timeout=limit, check=True
        )
    except subprocess.TimeoutExpired:
        return {**row, "reason": f"not done within {limit:.0f} s"}
    except subprocess.CalledProcessError as error:
        return {**row, "reason": (error.stderr.strip().splitlines() or ["?"])[-1]}
    return {**row, "seconds": [float(line) for line in done.stdout.split()][1:]}
