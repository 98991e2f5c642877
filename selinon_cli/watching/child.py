"""Processes that must not outlive their reason: each leads a group that ends with it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

#: How long processes may take to end after SIGTERM before they are killed, in seconds.
_GRACE = 0.2

#: A fresh interpreter that does not look into the working directory for its own modules (a project may have a
#: ``queue.py``), and that leaves no bytecode behind: Python takes bytecode for current when size and full second
#: of the source agree, which two saves of a task within a second do.
_INTERPRETER = (sys.executable, "-P", "-B", "-c")
_PROGRAM = "import sys; sys.path.append({home!r}); from selinon_cli.rebuild import main; sys.exit(main())"

Receive = Callable[[dict[str, Any]], None]


class Child:
    """A process in a group of its own. When it ends, whatever is left of its group is killed."""

    def __init__(self, process: subprocess.Popen[bytes], ended: Callable[[int], None]) -> None:
        self._process = process
        self._ended = ended
        self._lock = threading.Lock()
        self._over = False
        self._thread = threading.Thread(target=self._wait, name="selinon-watch-child", daemon=True)
        self._thread.start()

    def signal(self, number: int) -> None:
        """Send a signal to the process and everything it started."""
        with self._lock:
            if not self._over:
                self._send(number)

    def wait(self, seconds: float) -> bool:
        """Wait for the end; returns whether it has come."""
        self._thread.join(max(0.0, seconds))
        return not self._thread.is_alive()

    def _wait(self) -> None:
        if hasattr(os, "waitid"):
            # Until its exit code is asked for, no other process gets its id, nor its group's.
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        else:
            self._process.wait()
        with self._lock:
            self._send(getattr(signal, "SIGKILL", signal.SIGTERM))
            self._over = True
            code = self._process.wait()
        self._ended(code)

    def _send(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, number)
            else:
                self._process.terminate()


def stop(children: Sequence[Child]) -> bool:
    """End these processes and everything they started: politely, and a moment later by force.

    Returns whether all of them ended without force.
    """
    if _signal_and_wait(children, signal.SIGTERM):
        return True
    _signal_and_wait(children, getattr(signal, "SIGKILL", signal.SIGTERM))
    return False


def _signal_and_wait(children: Sequence[Child], number: int) -> bool:
    for child in children:
        child.signal(number)
    deadline = time.monotonic() + _GRACE
    return all(child.wait(deadline - time.monotonic()) for child in children)


class RebuildProcess(Child):
    """The process of a rebuild, which waits behind its check until it may go on."""

    def go_on(self) -> None:
        """Let it go on: the result of the check is on the screen, so the terminal is free."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(b"\n")
            self._process.stdin.flush()


def start_rebuild(request: Mapping[str, Any], part: Receive, ended: Callable[[int], None]) -> RebuildProcess:
    """Start a rebuild; ``part`` gets its results, piece by piece, and ``ended`` its exit code behind the last one.

    Both are called in other threads.
    """
    home = str(Path(__file__).parents[2])
    process = subprocess.Popen(  # noqa: S603 - this interpreter and our own module
        [*_INTERPRETER, _PROGRAM.format(home=home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    reader = threading.Thread(
        target=_read, args=(process, request, part), name="selinon-watch-rebuild", daemon=True
    )
    reader.start()

    def all_read(code: int) -> None:
        # No process of the group is left to write; the limit is for one that moved into another group.
        reader.join(1)
        ended(code)

    return RebuildProcess(process, all_read)


def _read(process: subprocess.Popen[bytes], request: Mapping[str, Any], part: Receive) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(OSError, ValueError), process.stdin, process.stdout:
        # stdin stays open: the rebuild ends when it closes, because then the watcher is gone.
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        for line in process.stdout:
            part(json.loads(line, parse_constant=str))


def start_command(words: Sequence[str], ended: Callable[[int], None]) -> Child:
    """Start a user's command; ``ended`` is called in another thread with its exit code. Raises ``OSError``."""
    process = subprocess.Popen(  # noqa: S603 - the user's own command, not run by a shell
        list(words), stdin=subprocess.DEVNULL, start_new_session=True
    )
    return Child(process, ended)
