"""Running the command line inside the test, and small projects to run it on."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from selinon_cli.main import run_program
from selinon_cli.registry import SELINON, SELINON_CLI
from tests.celery.data_flow_project import MEMORY, SCHEMA, project


class Ran(NamedTuple):
    """What a command line did."""

    code: int
    out: str
    err: str


Cli = Callable[..., Ran]

NODES = """\
tasks:
  - name: Charge
    import: shop
    storage: Ledger
    max_retry: 1
    retry_countdown: 10
  - name: Refund
    import: shop
  - name: Ship
    import: shop
    queue: "{SHOP_QUEUE}"
storages:
  - name: Ledger
    import: selinon_core.storages.memory
    classname: InMemoryStorage
global:
  default_task_queue: work
"""

FLOWS = """\
flow-definitions:
  - name: order
    queue: orders
    edges:
      - from:
        to: Charge
      - from: Charge
        to: Ship
        condition:
          name: fieldEqual
          args:
            key: paid
            value: true
    failures:
      - nodes: Charge
        fallback: Refund
"""

SHOP = """\
import sys


class Charge:
    def __init__(self, **names):
        pass

    def run(self, node_args):
        print("charging", node_args)
        print("to stderr", file=sys.stderr)
        if (node_args or {}).get("broke"):
            raise ValueError("card declined")
        return {"paid": True}


class Refund:
    def __init__(self, **names):
        pass

    def run(self, node_args):
        return None


class Ship(Refund):
    pass
"""

CASES = """\
flow: order
tests:
  - name: paid
    mocks: {Charge: {result: {paid: true}}}
    expect: {ran: [Charge, Ship]}
"""


#: A run of the flow ``order`` of ``order_project`` in which nothing is charged.
GIFT_RUN = ["run", "--local", "--quiet", "--flow", "order", "--mock-tasks", "--mock"]
GIFT_RUN += ['LoadOrder={"number": 7, "total": 0, "lines": []}', "--mock", 'Ship={"parcel": "P-7"}']


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("SELINON_") or name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SHOP_QUEUE", "shop")
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Cli:
    """Run ``selinon`` (or with ``program="selinon-cli"`` the other one) in this process."""

    def run(*words: str, program: str = "selinon") -> Ran:
        capfd.readouterr()
        code = run_program(SELINON if program == "selinon" else SELINON_CLI, words)
        captured = capfd.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one flow, in the working directory."""
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "nodes.yaml").write_text(NODES)
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "order.yaml").write_text(FLOWS)
    (tmp_path / "shop.py").write_text(SHOP)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def project_with_app(directory: Path, patch: pytest.MonkeyPatch, name: str, nodes: str, app: str) -> Path:
    """The working directory: ``nodes.yaml``, and a module with the Celery app, not imported before."""
    (directory / "nodes.yaml").write_text(nodes)
    (directory / f"{name}.py").write_text(app)
    patch.chdir(directory)
    patch.setattr(sys, "path", [*sys.path])
    patch.delitem(sys.modules, name, raising=False)
    return directory


@pytest.fixture
def order_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project of ``data_flow_project`` in the working directory, without code."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "project.yaml").write_text(project("tasks", MEMORY))
    (tmp_path / "order.json").write_text(SCHEMA)
    (tmp_path / "tasks.py").write_text("")
    return tmp_path


@pytest.fixture
def tested(shop: Path) -> Path:
    """The shop with one flow test case."""
    (shop / "flows" / "order.flowtest.yaml").write_text(CASES)
    return shop
