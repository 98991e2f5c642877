"""`selinon run` without ``--local``, and its kin, when the app, the broker or the store cannot be used."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from selinon_cli.remote_run import followed
from selinon_cli.terminal import Terminal
from selinon_core.errors import StateStoreError
from tests.cli.conftest import Cli

ROOT = Path(__file__).resolve().parents[2]
NODES = """
tasks:
  - {name: Ship, import: tasks}
flow-definitions:
  - {name: order, edges: [{from: , to: Ship}]}
"""
APP = """
from celery import Celery
from selinon_core.celery import Selinon

app = Celery("shop", broker="%s", backend="redis://127.0.0.1:1/0", set_as_current=False)
selinon = Selinon(app, paths=["nodes.yaml"])
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "nodes.yaml").write_text(NODES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "shop_app", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("def x(:", "SyntaxError: invalid syntax (shop_app.py, line 1)\n"),
        ("raise RuntimeError('no settings')", "RuntimeError: no settings (shop_app.py:1)\n"),
        ("import sys\nsys.exit('not today')", "SystemExit: not today (shop_app.py:2)\n"),
        (
            "import gone",
            "ModuleNotFoundError: No module named 'gone' (shop_app.py:1)\n",
        ),
    ],
)
def test_an_app_that_cannot_be_imported_is_no_bug_of_ours(cli: Cli, shop: Path, code: str, told: str) -> None:
    (shop / "shop_app.py").write_text(code)
    ran = cli("run", "--app", "shop_app:app")
    assert ran.code == 2
    assert ran.err.startswith(f'error: cannot import the Celery app "shop_app:app": {told}')


def test_an_app_that_is_not_there_is_told_without_the_way_to_it(cli: Cli, shop: Path) -> None:
    ran = cli("status", "--app", "shop_app")
    assert ran.code == 2
    told = "ModuleNotFoundError: No module named 'shop_app'"
    assert ran.err.startswith(f'error: cannot import the Celery app "shop_app": {told}\n  name it as MODULE:APP')
    (shop / "shop_app.py").touch()
    ran = cli("status", "--app", "shop_app:shop")
    told = "AttributeError: module 'shop_app' has no attribute 'shop'"
    assert ran.err.startswith(
        f'error: cannot import the Celery app "shop_app:shop": {told}\n  name it as MODULE:APP'
    )


@pytest.mark.parametrize(
    ("broker", "code", "told"),
    [
        ("redis://:secret@127.0.0.1:1/0", 1, "error: the broker redis://:**@127.0.0.1:1/0: Error 111 connecting"),
        ("pigeon://roof", 2, "error: the broker pigeon://roof"),
        (
            "redis://:secret@host:99999/0",
            2,
            "error: the broker redis://**@host:99999/0 cannot be used: Port out of",
        ),
        ("redis://host:six/0", 2, "error: the broker redis://host:six/0 cannot be used: Port could not be"),
        ("amqp://ann:secret@[::1//", 2, "error: the broker amqp://**@[::1// cannot be used: Invalid IPv6 URL"),
        ("redis://host/jobs", 2, "error: the broker redis://host/jobs cannot be used: its database"),
        ("sentinel://host:1/0", 2, "error: the broker sentinel://host:1/0 cannot be used: Redis Sentinel needs"),
    ],
)
def test_a_broker_that_cannot_be_reached_is_reported(
    cli: Cli, shop: Path, broker: str, code: int, told: str
) -> None:
    (shop / "shop_app.py").write_text(APP % broker)
    ran = cli("run", "--app", "shop_app:app", "--detach")
    assert ran.code == code, ran.err
    assert ran.err.startswith(told)
    assert "broker_url" in ran.err.splitlines()[1]
    assert "secret" not in ran.err
    assert ran.out == ""


@pytest.mark.parametrize("broker", ["pigeon://roof", "redis://roof:door/0", "redis://roof/door"])
def test_a_worker_of_a_broker_nobody_knows_does_not_start(shop: Path, broker: str) -> None:
    (shop / "shop_app.py").write_text(APP % broker)
    command = [sys.executable, "-m", "selinon_cli", "worker", "--app", "shop_app:app"]
    ran = subprocess.run(command, cwd=shop, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert ran.returncode == 2
    assert ran.stderr.startswith(f"error: the broker {broker}")
    assert "cannot be used: " in ran.stderr.splitlines()[0]


class Followed:
    """A flow run whose store says one thing after another."""

    def __init__(self, *said: str) -> None:
        self.said = list(said)

    def status(self) -> str:
        said = self.said.pop(0)
        if said == "away":
            raise StateStoreError("the state store is away")
        return said


def test_a_store_that_restarts_does_not_end_the_watch_over_a_flow_run() -> None:
    out, err = io.StringIO(), io.StringIO()
    run = Followed("pending", "running", "away", "away", "running", "success")
    assert followed(Terminal(out, err, environment={}), run) == "success"
    assert err.getvalue() == "the state store is away; the flow goes on when it is back\n"
    with pytest.raises(StateStoreError):
        followed(Terminal(out, err, environment={}), Followed("away"))
