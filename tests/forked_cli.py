"""Runs ``selinon`` many times and imports it once: each call is a fork of one process that has imported it all.

A call has a process of its own, as from a shell, but for the time that importing takes. What starts up is tested
elsewhere (``tests/cli/test_start_up.py``, ``tests/packaging``).
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
#: Needed by no command that runs here.
_LEFT_OUT = ("selinon_core.celery", "selinon_core.web", "selinon_core.legacy", "selinon_core.storages")
#: The bytes of a call: its words and its environment.
_MOST = 1 << 20
#: What a shell runs instead of ``selinon``: hands its streams over, and ends with the exit code that it is told.
_PROGRAM = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    call = {{"words": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ)}}
    socket.send_fds(server, [json.dumps(call).encode()], [0, 1, 2])
    sys.exit(int(server.recv(16)))
"""


class ForkedCli:
    """The process that forks; ``directory`` is for its address and the output of calls, ``program`` for shells."""

    def __init__(self, directory: Path) -> None:
        self._out, self._err = directory / "out", directory / "err"
        self._address = str(directory / "socket")
        self.program = directory / "selinon"
        self.program.write_text(_PROGRAM.format(python=sys.executable, address=self._address), encoding="utf-8")
        self.program.chmod(0o755)
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.forked_cli", self._address],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert self._server.stdout is not None
        self._server.stdout.readline()  # it listens

    def __enter__(self) -> ForkedCli:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.terminate()
        self._server.communicate()

    def run(
        self, *words: str | Path, cwd: Path, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run ``selinon`` with some words in a directory; ``env`` is its whole environment."""
        call = {
            "words": [str(word) for word in words],
            "cwd": str(cwd),
            "env": dict(os.environ if env is None else env),
        }
        with (
            socket.socket(socket.AF_UNIX) as server,
            open(os.devnull) as nothing,
            open(self._out, "wb") as out,
            open(self._err, "wb") as err,
        ):
            server.connect(self._address)
            streams = [nothing.fileno(), out.fileno(), err.fileno()]
            socket.send_fds(server, [json.dumps(call).encode()], streams)
            code = int(server.recv(16))
        return subprocess.CompletedProcess(
            call["words"], code, self._out.read_text(encoding="utf-8"), self._err.read_text(encoding="utf-8")
        )


def _serve(address: str) -> None:
    import selinon_cli.main
    import selinon_core

    for package in (selinon_core, selinon_cli):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.", onerror=lambda name: None):
            if not module.name.startswith(_LEFT_OUT) and not module.name.endswith(("_plugin", "__main__")):
                importlib.import_module(module.name)
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        print("listening", flush=True)
        while True:
            client, _ = listening.accept()
            with client:
                text, streams, _, _ = socket.recv_fds(client, _MOST, 3)
                child = os.fork()
                if child == 0:
                    listening.close()
                    client.close()
                    _call(json.loads(text), streams)
                for stream in streams:
                    os.close(stream)
                client.sendall(b"%d" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _call(call: Mapping[str, Any], streams: list[int]) -> None:
    from selinon_cli.main import main

    os.chdir(call["cwd"])
    os.environ.clear()
    os.environ.update(call["env"])
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    # Those of the server know whether what was there before can seek.
    sys.stdin, sys.stdout = open(0, encoding="utf-8"), open(1, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = open(2, "w", 1, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
    sys.argv = ["selinon", *call["words"]]
    sys.path.insert(0, call["cwd"])
    code = main(call["words"])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # without taking everything down that was imported


if __name__ == "__main__":
    _serve(sys.argv[1])
