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
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
#: Needed by no command that runs here.
_LEFT_OUT = ("selinon_core.celery", "selinon_core.web", "selinon_core.legacy", "selinon_core.storages")


class ForkedCli:
    """The process that forks; ``directory`` is for the output of calls."""

    def __init__(self, directory: Path) -> None:
        self._out, self._err = directory / "out", directory / "err"
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.forked_cli"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> ForkedCli:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.communicate()

    def run(
        self, *words: str | Path, cwd: Path, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run ``selinon`` with some words in a directory; ``env`` is its whole environment."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        call = {
            "words": [str(word) for word in words],
            "cwd": str(cwd),
            "env": dict(os.environ if env is None else env),
            "out": str(self._out),
            "err": str(self._err),
        }
        self._server.stdin.write(json.dumps(call) + "\n")
        self._server.stdin.flush()
        code = int(self._server.stdout.readline())
        return subprocess.CompletedProcess(
            call["words"], code, self._out.read_text(encoding="utf-8"), self._err.read_text(encoding="utf-8")
        )


def _serve() -> None:
    import selinon_cli.main
    import selinon_core

    for package in (selinon_core, selinon_cli):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.", onerror=lambda name: None):
            if not module.name.startswith(_LEFT_OUT) and not module.name.endswith(("_plugin", "__main__")):
                importlib.import_module(module.name)
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _call(json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _call(call: Mapping[str, Any]) -> None:
    from selinon_cli.main import main

    os.chdir(call["cwd"])
    os.environ.clear()
    os.environ.update(call["env"])
    for number, path, how in (
        (0, os.devnull, os.O_RDONLY),
        (1, call["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, call["err"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        opened = os.open(path, how, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.argv = ["selinon", *call["words"]]
    sys.path.insert(0, call["cwd"])
    code = main(call["words"])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # without taking everything down that was imported


if __name__ == "__main__":
    _serve()
