"""``selinon-cli``: the original's commands, options, output and environment variables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from selinon_cli.commands.compat_inspect import NOT_READABLE
from selinon_core.diagnostics import Severity
from selinon_core.diagnostics.kinds import ALL_FAULTS
from selinon_core.lint.registry import project_rules
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
    assert (ran.code, ran.out) == (1, "")
    assert "SEL201" in ran.err


#: What selinon 1.4.0 finds by its check (not under --no-check), and what keeps it from reading the files.
CHECKED = [("from: Charge", "from: Refund", "SEL401"), ("key: paid", "key: paid\n            more: 1", "SEL213")]
READ = [
    ("name: order", "name: odrer", "SEL211"),
    ("condition:", "condition: 5\n        x:", "SEL1"),
    ("- name", "- [", "SEL0"),
]


@pytest.mark.parametrize(("old", "new", "code"), CHECKED)
def test_inspect_without_a_check(shop: Path, cli: Cli, old: str, new: str, code: str) -> None:
    flow = shop / "flows" / "order.yaml"
    flow.write_text(flow.read_text().replace(old, new))
    assert code in cli("inspect", *FILES, program="selinon-cli").err
    ran = cli("inspect", *FILES, "--no-check", program="selinon-cli")
    assert ran == (0, "Your configuration looks OK.\n", "")
    ran = cli("inspect", *FILES, "--no-check", "--list-task-queues", program="selinon-cli")
    assert ran == (0, "Charge:work\nRefund:work\nShip:shop\n", "")
    ran = cli("inspect", *FILES, "--no-check", "--list-dispatcher-queues", program="selinon-cli")
    assert ran == (0, "order:orders\n", "")


@pytest.mark.parametrize(("old", "new", "code"), READ)
def test_no_check_is_not_for_files_that_cannot_be_read(
    shop: Path, cli: Cli, old: str, new: str, code: str
) -> None:
    nodes, flow = shop / "nodes.yaml", shop / "flows" / "order.yaml"
    nodes.write_text(nodes.read_text() + "flows: [order]\n")
    flow.write_text(flow.read_text().replace(old, new))
    ran = cli("inspect", *FILES, "--no-check", program="selinon-cli")
    assert (ran.code, ran.out) == (1, "")
    assert code in ran.err


def test_codes_of_files_that_cannot_be_read_are_codes_of_errors() -> None:
    errors = {each.code for each in (*project_rules(), *ALL_FAULTS) if each.severity is Severity.ERROR}
    assert [code for code in NOT_READABLE if not any(error.startswith(code) for error in errors)] == []


def test_queues_of_flows_are_in_the_order_in_which_they_are_listed(shop: Path, cli: Cli) -> None:
    nodes = shop / "nodes.yaml"
    nodes.write_text(nodes.read_text() + "flows: [track, order]\n")
    (shop / "flows" / "track.yaml").write_text(
        "flow-definitions: [{name: track, queue: tracks, edges: [{from: , to: Ship}]}]\n"
    )
    ran = cli("inspect", *FILES, "--list-dispatcher-queues", program="selinon-cli")
    assert ran == (0, "track:tracks\norder:orders\n", "")


def test_the_version_is_printed_alone(cli: Cli) -> None:
    assert cli("--version", program="selinon-cli") == (0, f"{__version__}\n", "")
    assert cli("inspect", "--version", program="selinon-cli").out == f"{__version__}\n"
    assert cli("--version").out == f"selinon {__version__}\n"


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (("inspect", *FILES, "word"), "word"),
        (("inspect", "-f", "flows"), "--nodes-definition"),
        (("plot", "-n", "nodes.yaml"), "--flow-definitions"),
        (("inspect",), "--nodes-definition"),
        (("migrate", *FILES, "--git", "-m", "nowhere"), "there is no directory nowhere"),
    ],
)
def test_what_the_original_refused_is_refused(shop: Path, cli: Cli, words: tuple[str, ...], printed: str) -> None:
    ran = cli(*words, program="selinon-cli")
    assert (ran.code, ran.out) == (2, "")
    assert printed in ran.err


def test_a_migration_that_is_not_needed_is_not_success(shop: Path, cli: Cli) -> None:
    migrations, flow = shop / "migrations", shop / "flows" / "order.yaml"
    migrations.mkdir()
    (shop / "old.yaml").write_text(flow.read_text())
    words = ("migrate", *FILES, "-N", "nodes.yaml", "-F", "old.yaml", "-m", "migrations", "--no-meta")
    ran = cli(*words, program="selinon-cli")
    assert (ran.code, ran.out) == (1, "")
    assert "needs a migration" in ran.err
    assert cli(*words).code == 0
    flow.write_text(flow.read_text().replace("to: Ship", "to: Refund"))
    assert cli(*words, program="selinon-cli").code == 0
    assert (migrations / "1.json").exists()


def test_linked_and_hidden_directories_are_searched_and_hidden_files_are_not(shop: Path, cli: Cli) -> None:
    one = "flow-definitions: [{name: NAME, edges: [{from: , to: Ship}]}]\n"
    places = {"flows/.hidden/below/a.yaml": "a", "flows/.hidden/.more/b.yml": "b", "elsewhere/c.yaml": "c"}
    for place, name in {**places, "flows/.d.yaml": "d"}.items():
        (shop / place).parent.mkdir(parents=True, exist_ok=True)
        (shop / place).write_text(one.replace("NAME", name))
    (shop / "flows" / "linked").symlink_to(shop / "elsewhere")
    (shop / "elsewhere" / "back").symlink_to(shop / "flows")
    (shop / "flows" / ".empty").mkdir()

    def queues(directory: str) -> list[str]:
        words = ("inspect", "-n", "nodes.yaml", "-f", directory, "--list-dispatcher-queues")
        return sorted(line.partition(":")[0] for line in cli(*words, program="selinon-cli").out.splitlines())

    assert queues("flows") == ["a", "b", "c", "order"]
    assert queues("flows/.hidden") == ["a", "b"]
    assert sorted(cli("inspect", "nodes.yaml", "flows", "--list-flows").out.split()) == ["c", "order"]
    ran = cli("inspect", "-n", "nodes.yaml", "-f", "flows/.empty", program="selinon-cli")
    assert (ran.code, "no YAML files in flows/.empty" in ran.err) == (2, True)


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
    assert ran.out == f"got {got}\n"
    assert "order: success" in ran.err


def test_execute_takes_every_option_of_the_original(echo: Path, cli: Cli) -> None:
    ran = cli(
        *("--no-color", "execute", *FILES, "--flow-name=order", "-c", "2", "-s", "0.1"),
        *("--config-py", "config.py", "--keep-config-py", "--hide-progressbar"),
        *("--selective-task-names", "Charge", "--selective-follow-subflows", "--selective-run-subsequent"),
        program="selinon-cli",
    )
    assert ran.code == 0
    assert (ran.out, ran.err) == ("got None\n", "")
    assert not (echo / "config.py").exists()


def test_a_failed_flow_says_why_whatever_is_hidden(echo: Path, cli: Cli) -> None:
    module = echo / "echo_shop.py"
    module.write_text(module.read_text().replace("return", "raise ValueError('broke')\n        return"))
    ran = cli("execute", *FILES, "--flow-name", "order", "--hide-progressbar", program="selinon-cli")
    assert ran.code == 1
    assert "broke" in ran.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "--flow-name"),
        (("--flow-name", "oder"), 'did you mean "order"?'),
        (("--flow-name", "order", "-j", "-a", "{"), "not JSON"),
        (("--flow-name", "order", "-a", "1", "--node-args-file", "x"), "not from both"),
        (("--flow-name", "order", "--selective-follow-subflows"), "--selective-task-names"),
        (("--flow-name", "order", "-s", "-1"), "--sleep-time"),
    ],
)
def test_wrong_use_of_execute(shop: Path, cli: Cli, words: tuple[str, ...], message: str) -> None:
    ran = cli("execute", *FILES, *words, program="selinon-cli")
    assert ran.code == 2
    assert message in ran.err
