"""``selinon watch`` as a real process on real files, and what can be seen of it from outside."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Seconds that something may take on a machine with other things to do; nothing here measures.
PATIENCE = 60.0

NODES = """\
tasks:
  - name: Work
    import: work
"""

FLOW = """\
flow-definitions:
  - name: {name}
    edges:
      - from:
        to: {node}
"""

WORK = """\
class Work:
    def __init__(self, **names):
        pass

    def run(self, node_args):
        raise RuntimeError("version {version}")
"""


def write_project(directory: Path) -> None:
    """A flow with one task, which fails and names the version of its code."""
    (directory / "flows").mkdir(parents=True)
    (directory / "pyproject.toml").write_text("")
    (directory / "nodes.yaml").write_text(NODES)
    (directory / "flows" / "first.yaml").write_text(FLOW.format(name="first", node="Work"))
    (directory / "work.py").write_text(WORK.format(version=1))


def until(what: Callable[[], object], told: Callable[[], str]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline, told()
        time.sleep(0.02)


def processes_with(tag: str) -> list[int]:
    """The processes that have the tag in their environment: a watcher and whatever it started."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if tag.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


class Watcher:
    """A running watcher."""

    def __init__(self, directory: Path, *words: str, command: tuple[str, ...] = (), env: dict[str, str]) -> None:
        self.tag = uuid.uuid4().hex
        self.directory = directory
        self.process = subprocess.Popen(
            [*(command or (sys.executable, "-m", "selinon_cli")), "watch", *words],
            cwd=directory,
            env={**env, "TAG_OF_THE_TEST": self.tag},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._said: dict[str, list[bytes]] = {"out": [], "err": []}
        self._threads = [threading.Thread(target=self._read, args=(name,), daemon=True) for name in ("out", "err")]
        for thread in self._threads:
            thread.start()

    def _read(self, name: str) -> None:
        stream = self.process.stdout if name == "out" else self.process.stderr
        assert stream is not None
        with stream:
            while chunk := os.read(stream.fileno(), 65536):
                self._said[name].append(chunk)

    @property
    def out(self) -> str:
        """All of stdout until now; real times left out."""
        return re.sub(r"[\d.]+ s real", "? s real", b"".join(self._said["out"]).decode())

    @property
    def err(self) -> str:
        """All of stderr until now."""
        return b"".join(self._said["err"]).decode()

    def everything(self) -> str:
        """For the message of a failing test."""
        return f"exit {self.process.poll()}\n--- stdout\n{self.out[-5000:]}\n--- stderr\n{self.err[-5000:]}"

    def until(self, what: Callable[[], object]) -> None:
        """Wait until something holds; a watcher that has died is not waited for."""
        until(lambda: what() or self.process.poll() is not None, self.everything)
        assert what(), self.everything()

    def says(self, *texts: str) -> None:
        """Wait until it has said all of this, on stdout or stderr."""
        self.until(lambda: all(text in self.out + self.err for text in texts))

    def children(self) -> list[int]:
        """The processes it has started that are still there."""
        return [number for number in processes_with(self.tag) if number != self.process.pid]

    def end(self, number: int = signal.SIGINT) -> int:
        """End it with a signal; returns the exit code when nothing is left of it."""
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        for thread in self._threads:
            thread.join(PATIENCE)
        until(lambda: not processes_with(self.tag), lambda: f"left: {processes_with(self.tag)}")
        return code


def environment() -> dict[str, str]:
    """Without settings of the test's own surroundings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SELINON_", "COV_")) and k != "FORCE_COLOR"}
    paths = [str(ROOT), *([kept["PYTHONPATH"]] if kept.get("PYTHONPATH") else [])]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "COLUMNS": "100"}


@contextmanager
def watching(directory: Path, *words: str) -> Iterator[Watcher]:
    """Start a watcher and end it in any case."""
    watcher = Watcher(directory, *words, env=environment())
    try:
        yield watcher
    finally:
        if watcher.process.poll() is None:
            watcher.process.kill()
            watcher.process.wait()


def selinon(directory: Path, *words: str) -> str:
    """What a command says on stdout, real times left out."""
    done = subprocess.run(
        [sys.executable, "-m", "selinon_cli", *words],
        cwd=directory,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode in (0, 1, 2), done.stderr
    return re.sub(r"[\d.]+ s real", "? s real", done.stdout)
