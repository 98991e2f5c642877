"""``selinon-cli``: the original's commands, options, output and environment variables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from selinon_core.version import CODENAME, __version__
from tests.cli.conftest import Cli

FILES = ("-n", "nodes.yaml", "-f", "flows")


def test_version(cli: Cli) -> None:
    ran = cli("version", program="selinon-cli")
    assert ran.code == 0
    assert re.fullmatch(
        rf"Selinon version: {re.escape(__version__)}\nCelery version: (Not Installed|[\d.]+\S*)\n", ran.out
    )
    assert cli("version", "--codename", program="selinon-cli").out == CODENAME + "\n"


def test_inspect(shop: Path, cli: Cli) -> None:
    def run(*words: str) -> object:
        return cli("inspect", *FILES, *words, program="selinon-cli")

    assert run() == (0, "Your configuration looks OK.\n", "")
    assert run("--list-task-queues") == (0, "Charge:work\nRefund:work\nShip:shop\n", "")
    assert run("--list-dispatcher-queues") == (0, "order:orders\n", "")
    assert run("--list-dispatcher-queues", "--list-task-queues") == (
        0,
        "Charge:work\nRefund:work\nShip:shop\norder:orders\n",
        "",
    )
    assert run("-d", "plan.json") == (0, "", "")
    assert '"order"' in (shop / "plan.json").read_text()


def test_inspect_a_broken_project(shop: Path, cli: Cli) -> None:
    flow = shop / "flows" / "order.yaml"
    flow.write_text(flow.read_text().replace("from: Charge", "from: Chrage"))
    ran = cli("inspect", *FILES, program="selinon-cli")
    assert ran.code == 1
    assert "SEL201" in ran.err
    assert "Traceback" not in ran.err
    ran = cli("inspect", *FILES, "--no-check", "--list-task-queues", program="selinon-cli")
    assert ran == (0, "Charge:work\nRefund:work\nShip:shop\n", "")
    ran = cli("inspect", *FILES, "--no-check", "--list-dispatcher-queues", program="selinon-cli")
    assert ran == (0, "order:orders\n", "")


def test_files_from_the_environment(shop: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELINON_NODES_DEFINITION", "nodes.yaml")
    monkeypatch.setenv("SELINON_FLOW_DEFINITIONS", "flows/order.yaml")
    ran = cli("inspect", program="selinon-cli")
    assert ran == (0, "Your configuration looks OK.\n", "")
    monkeypatch.setenv("SELINON_NODES_DEFINITION", "none.yaml")
    assert cli("inspect", program="selinon-cli").code == 2
    monkeypatch.setenv("SELINON_INSPECT_NODES_DEFINITION", "nodes.yaml")
    monkeypatch.setenv("SELINON_INSPECT_LIST_DISPATCHER_QUEUES", "true")
    assert cli("inspect", program="selinon-cli").out == "order:orders\n"


ECHO = """
class Charge:
    def __init__(self, **names):
        pass

    def run(self, node_args):
        print("got", repr(node_args))
        return {"paid": False}


Refund = Ship = Charge
"""


@pytest.fixture
def echo(shop: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tasks in a module of its own name, because modules are imported once per process."""
    (shop / "echo_shop.py").write_text(ECHO)
    nodes = shop / "nodes.yaml"
    nodes.write_text(nodes.read_text().replace("import: shop", "import: echo_shop"))
    return shop


@pytest.mark.parametrize(
    ("words", "got"),
    [
        ((), "None"),
        (("-a", '{"a": 1}'), "'{\"a\": 1}'"),
        (("-j", "-a", '{"a": 1}'), "{'a': 1}"),
        (("--node-args-file", "args.json"), "'[1]'"),
        (("--node-args-file", "args.json", "--node-args-json"), "[1]"),
    ],
)
def test_execute(echo: Path, cli: Cli, words: tuple[str, ...], got: str) -> None:
    (echo / "args.json").write_text("[1]")
    ran = cli("-v", "execute", *FILES, "--flow-name", "order", *words, program="selinon-cli")
    assert ran.code == 0
    assert f"got {got}\n" in ran.err
    assert "order: success" in ran.out


def test_execute_takes_every_option_of_the_original(echo: Path, cli: Cli) -> None:
    ran = cli(
        *("--no-color", "execute", *FILES, "--flow-name=order", "-c", "2", "-s", "0.1"),
        *("--config-py", "config.py", "--keep-config-py", "--hide-progressbar"),
        *("--selective-task-names", "Charge", "--selective-follow-subflows", "--selective-run-subsequent"),
        program="selinon-cli",
    )
    assert ran.code == 0
    assert ran.err.startswith("got None")
    assert not (echo / "config.py").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "--flow-name"),
        (("--flow-name", "oder"), 'did you mean "order"?'),
        (("--flow-name", "order", "-j", "-a", "{"), "not JSON"),
        (("--flow-name", "order", "-a", "1", "--node-args-file", "x"), "not from both"),
        (("--flow-name", "order", "--selective-follow-subflows"), "--selective-task-names"),
        (("--flow-name", "order", "-s", "-1"), "--sleep-time"),
    ],
)
def test_wrong_use_of_execute(shop: Path, cli: Cli, words: tuple[str, ...], told: str) -> None:
    ran = cli("execute", *FILES, *words, program="selinon-cli")
    assert ran.code == 2
    assert told in ran.err
