"""A round in a process of its own, and other processes that must not outlive their reason."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

#: How long a process may take to obey before it is killed, in seconds.
_GRACE = 0.2


class Child:
    """A process in a group of its own, which ends with ``stop`` together with all its children."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def stop(self) -> None:
        """End the process and everything it started."""
        for kill in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if hasattr(os, "killpg"):
                    os.killpg(self.process.pid, kill)
                else:
                    self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_GRACE)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


def start_round(request: Mapping[str, Any], ended: Callable[[dict[str, Any] | None], None]) -> Child:
    """Start a round; ``ended`` is called in another thread with its result, None when it was stopped or died."""
    process = subprocess.Popen(
        [sys.executable, "-m", "selinon_cli.watching.round"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )

    def read() -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(request).encode())
            process.stdin.close()
            content = process.stdout.read()
            process.wait()
            result = json.loads(content)
        except (OSError, ValueError):
            result = None
        ended(result)

    threading.Thread(target=read, name="selinon-watch-round", daemon=True).start()
    return Child(process)


def start_command(words: Sequence[str], ended: Callable[[int], None]) -> Child:
    """Start a user's command; ``ended`` is called in another thread with its exit code. Raises ``OSError``."""
    process = subprocess.Popen(  # noqa: S603 - the user's own command, not run by a shell
        list(words), stdin=subprocess.DEVNULL, start_new_session=True
    )
    threading.Thread(target=lambda: ended(process.wait()), name="selinon-watch-exec", daemon=True).start()
    return Child(process)
