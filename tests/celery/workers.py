"""Real workers in processes of their own, on real servers, with names of their own there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from celery import Celery

from selinon_core.celery import Selinon
from tests import services

ROOT = Path(__file__).resolve().parents[2]


class Site:
    """A broker, a state store and a project; workers are started and killed one by one."""

    def __init__(self, directory: Path, broker: str, state: str = "redis", **settings: Any) -> None:
        self.directory = directory
        self.name = services.private_name()
        redis = services.SERVICES["redis"].url
        assert redis is not None
        urls = {
            "redis": redis,
            "amqp": services.SERVICES["amqp"].url,
            "postgres": services.SERVICES["postgres"].url,
        }
        self.environment = {
            "TESTED_BROKER": str(urls[broker]),
            "TESTED_BACKEND": redis,
            "TESTED_STATE": f"sqlite:///{directory / 'state.db'}" if state == "sqlite" else str(urls[state]),
            "TESTED_PREFIX": self.name + ("_" if state in ("postgres", "sqlite") else ":"),
            "TESTED_QUEUE": self.name,
            "TESTED_PROJECT": str(directory),
            "TESTED_SETTINGS": json.dumps(
                {"worker_cancel_long_running_tasks_on_connection_loss": True, **settings}
            ),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "conformance"), str(directory)]),
        }
        self.workers: list[subprocess.Popen[bytes]] = []
        #: Queues beside the usual one, which are removed in the end.
        self.more_queues: list[str] = []
        self.app = Celery("caller", broker=urls[broker], backend=redis, set_as_current=False)
        self.app.conf.update(
            task_default_queue=self.name,
            selinon_state_url=self.environment["TESTED_STATE"],
            selinon_state_prefix=self.environment["TESTED_PREFIX"],
        )
        self._selinon: Selinon | None = None

    def write(self, yaml: str, tasks: str = "") -> None:
        """Write the project."""
        (self.directory / "project.yaml").write_text(yaml)
        (self.directory / f"tasks_{self.name}.py").write_text(tasks)

    @property
    def selinon(self) -> Selinon:
        """The caller's side."""
        if self._selinon is None:
            self._selinon = Selinon(
                self.app, paths=[self.directory / "project.yaml"], pythonpath=[str(self.directory)]
            )
        return self._selinon

    def command(self, *words: str) -> tuple[int, str]:
        """Run ``selinon`` with these words; returns its exit code and what it says."""
        done = subprocess.run(
            [sys.executable, "-m", "selinon", *words, "--app", "tests.celery.real_app:app"],
            env={**os.environ, **self.environment},
            cwd=ROOT,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        return done.returncode, done.stderr

    def start(
        self, *options: str, wait: bool = True, talks: bool = False, app: str = "tests.celery.real_app:app"
    ) -> subprocess.Popen[bytes]:
        """Start a worker and wait until it is ready. One that ``talks`` to others is slower to start."""
        command = [
            "celery",
            "-A",
            app,
            "worker",
            "-n",
            f"w{len(self.workers)}@{self.name}",
            "-l",
            "INFO",
            *options,
        ]
        if not talks:
            command += ["--without-mingle", "--without-gossip"]
        return self._start(command, wait)

    def serve(self, *options: str) -> subprocess.Popen[bytes]:
        """Start ``selinon worker`` with these options, and wait until it is ready."""
        name = f"w{len(self.workers)}@{self.name}"
        return self._start(
            ["selinon", "worker", "--app", "tests.celery.real_app:app", "--hostname", name, *options], True
        )

    def _start(self, words: list[str], wait: bool) -> subprocess.Popen[bytes]:
        log = self.directory / f"worker{len(self.workers)}.log"
        command = [sys.executable, "-m", *words]
        with log.open("wb") as out:
            worker = subprocess.Popen(
                command,
                env={**os.environ, **self.environment},
                cwd=ROOT,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.workers.append(worker)
        if wait:
            until = time.monotonic() + 60
            while b" ready." not in log.read_bytes():
                assert worker.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.05)
        return worker

    @staticmethod
    def kill(worker: subprocess.Popen[bytes]) -> None:
        """kill -9 the worker and its children."""
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()

    def children(self, worker: subprocess.Popen[bytes]) -> list[int]:
        """The processes a worker runs tasks in."""
        path = Path(f"/proc/{worker.pid}/task/{worker.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def logs(self) -> str:
        """What the workers said."""
        return "\n".join(path.read_text() for path in sorted(self.directory.glob("worker*.log")))

    def ran(self) -> list[str]:
        """What tasks wrote to ``ran.txt``, line by line."""
        path = self.directory / "ran.txt"
        return path.read_text().splitlines() if path.exists() else []

    def close(self) -> None:
        """Stop everything and remove what it left."""
        for worker in self.workers:
            if worker.poll() is None:
                self.kill(worker)
        if self._selinon is not None and self._selinon._services is not None:
            self._selinon.store.clear()
            self._selinon.store.close()
        try:
            with self.app.connection_for_write() as connection:
                for queue in (self.name, *self.more_queues):
                    connection.default_channel.queue_purge(queue)
                    connection.default_channel.queue_delete(queue)
        finally:
            self.app.close()


@contextmanager
def site(directory: Path, broker: str = "redis", state: str = "redis", **settings: Any) -> Iterator[Site]:
    """A site for the time of a test."""
    made = Site(directory, broker, state, **settings)
    try:
        yield made
    finally:
        made.close()


def wait_until(what: Any, seconds: float = 60.0, told: Any = None) -> Any:
    """Wait for something to become true and return it."""
    until = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < until, told() if told is not None else "it did not happen"
        time.sleep(0.05)


def status_of(site: Site, id: str) -> Mapping[str, str] | None:
    """The header of a run."""
    return site.selinon.store.header(id)
