"""Workers as processes: started, asked whether they are ready, killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Worker:
    """A Celery worker, and what it started, in a session of its own."""

    def __init__(
        self,
        environment: dict[str, str],
        log: Path,
        *options: str,
        app: str = "tests.workers.app:app",
        directory: Path = ROOT,
    ) -> None:
        self.log = log
        command = [sys.executable, "-m", "celery", "-A", app, "worker", "--loglevel", "INFO"]
        command += ["--without-mingle", "--without-gossip", "--hostname", f"{log.stem}@%h", *options]
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        with log.open("ab") as out:
            self._from = out.tell()
            self.process = subprocess.Popen(
                command,
                env={**os.environ, **environment, "PYTHONPATH": path},
                stdout=out,
                stderr=out,
                start_new_session=True,
                cwd=directory,
            )

    @property
    def pid(self) -> int:
        """Of the main process."""
        return self.process.pid

    def is_ready(self) -> bool:
        """Whether it consumes; raises ``RuntimeError`` with its log when it is gone."""
        text = self.log.read_bytes()[self._from :]
        if b" ready." in text:
            return True
        if self.process.poll() is not None:
            raise RuntimeError(f"the worker ended with {self.process.returncode}:\n{text[-5000:].decode()}")
        return False

    def wait_until_ready(self, seconds: float = 60.0) -> Worker:
        """Wait until it consumes."""
        until = time.monotonic() + seconds
        while not self.is_ready():
            if time.monotonic() > until:
                raise TimeoutError(self.log.read_text()[-5000:])
            time.sleep(0.05)
        return self

    def children(self) -> list[int]:
        """Pids of the processes of its pool."""
        try:
            text = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        except OSError:
            return []
        return [int(pid) for pid in text.split()]

    def kill(self) -> None:
        """All of its processes at once, as when a machine goes away."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds: float = 20.0) -> int:
        """Ask it to finish; returns its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return -9


def environment_of(
    broker: str,
    backend: str,
    state: str,
    paths: list[str],
    *,
    pythonpath: list[str] | None = None,
    **settings: Any,
) -> dict[str, str]:
    """What ``tests.workers.app`` reads."""
    given = {"broker": broker, "backend": backend, "state": state, "paths": paths, "settings": settings}
    return {"SELINON_TEST_APP": json.dumps({**given, "pythonpath": pythonpath or []})}
