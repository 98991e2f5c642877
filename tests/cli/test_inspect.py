"""``selinon inspect`` and ``selinon schema``."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from selinon_core.plan.json_form import plan_from_json
from selinon_core.project import compile_project
from tests.cli.conftest import NODES, Cli
from tests.cli.golden import check_golden


def test_the_summary(shop: Path, cli: Cli) -> None:
    ran = cli("inspect")
    assert ran.code == 0
    check_golden("inspect.txt", ran.out)


def test_the_summary_as_json(shop: Path, cli: Cli) -> None:
    assert json.loads(cli("inspect", "--format", "json").out) == {
        "flows": [
            {
                "name": "order",
                "nodes": ["Charge", "Ship", "Refund"],
                "edges": 2,
                "failures": 1,
                "subflows": [],
                "storages": ["Ledger"],
                "queue": "orders",
                "task_queues": ["work", "{SHOP_QUEUE}"],
                "where": "flows/order.yaml:2:11",
            }
        ]
    }


def test_queues_are_what_deployment_scripts_cut(shop: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("inspect", "--list-task-queues") == (0, "Charge:work\nRefund:work\nShip:shop\n", "")
    assert cli("inspect", "--list-dispatcher-queues") == (0, "order:orders\n", "")
    monkeypatch.delenv("SHOP_QUEUE")
    ran = cli("inspect", "--list-task-queues")
    assert ran.out == "Charge:work\nRefund:work\nShip:{SHOP_QUEUE}\n"
    assert ran.err.count("SHOP_QUEUE is not set") == 1
    nodes = shop / "nodes.yaml"
    nodes.write_text(nodes.read_text().replace("queue: work", "queue: '{SHOP_QUEUE}'"))
    ran = cli("inspect", "--list-task-queues")
    assert ran.err.count("SHOP_QUEUE is not set") == 1


def test_names(shop: Path, cli: Cli) -> None:
    assert cli("inspect", "--list-nodes").out == "Charge\nRefund\nShip\norder\n"
    assert cli("inspect", "--list-flows").out == "order\n"
    assert cli("inspect", "--list-flows", "--list-nodes", "--list-task-queues").out == (
        "task queues:\n  Charge:work\n  Refund:work\n  Ship:shop\n"
        "nodes:\n  Charge\n  Refund\n  Ship\n  order\n"
        "flows:\n  order\n"
    )
    assert json.loads(cli("inspect", "--list-flows", "--list-nodes", "--format", "json").out) == {
        "nodes": {"Charge": "task", "Refund": "task", "Ship": "task", "order": "flow"},
        "flows": ["order"],
    }


def test_the_plan_comes_back(shop: Path, cli: Cli) -> None:
    plan = compile_project().plan
    assert cli("inspect", "--dump", "plan.json") == (0, "", "")
    assert plan_from_json(json.loads((shop / "plan.json").read_text())) == plan
    assert plan_from_json(json.loads(cli("inspect", "--dump", "-").out)) == plan
    assert cli("inspect", "--dump", "plan.json", "--list-flows").out == "order\n"
    assert cli("inspect", "--dump", "-", "--list-flows").code == 2


def test_a_broken_project(shop: Path, cli: Cli) -> None:
    (shop / "flows" / "order.yaml").write_text("flow-definitions:\n  - name: 1\n")
    ran = cli("inspect", "--list-flows")
    assert ran.code == 1
    assert ran.out == ""
    assert "error[SEL1" in ran.err


def test_the_schema_fits_the_files(cli: Cli) -> None:
    ran = cli("schema")
    assert ran.code == 0
    schema = json.loads(ran.out)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(NODES), schema)


def test_the_schema_of_a_task_is_read_from_its_annotations(shop: Path, cli: Cli) -> None:
    (shop / "shop.py").write_text(
        "class Charge:\n    def run(self, *, number: int, text: str = '') -> bool: ...\n"
        "class Refund:\n    def run(self, node_args): ...\nclass Ship(Refund): ...\n"
    )
    made = json.loads(cli("schema", "--task", "Charge", "nodes.yaml", "flows").out)
    assert made == {
        "arguments": {
            "type": "object",
            "properties": {"number": {"type": "integer"}, "text": {"type": "string"}},
            "required": ["number"],
            "additionalProperties": False,
        },
        "result": {"type": "boolean"},
    }
    assert json.loads(cli("schema", "--task", "Ship").out) == {"arguments": {}, "result": {}}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--task", "Chrage"), 'no task is named "Chrage"'),
        (("--task", "Charge", "--tests"), "--tests and --task are schemas of different things"),
        (("flows",), "unexpected argument: flows"),
    ],
)
def test_wrong_use_of_schema(shop: Path, cli: Cli, words: tuple[str, ...], message: str) -> None:
    ran = cli("schema", *words)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err


def test_the_schema_of_a_task_without_text_is_an_error(shop: Path, cli: Cli) -> None:
    (shop / "shop.py").unlink()
    ran = cli("schema", "--task", "Charge")
    assert ran.code == 2
    assert 'the text of "run" of task "Charge" is not found' in ran.err


TYPED_TASKS = """\
import dataclasses
from selinon import SelinonTask
@dataclasses.dataclass
class Order:
    number: int
    lines: list[dict]
    total: float = 0.0
class Load(SelinonTask):
    def run(self, node_args) -> Order: ...
class Check(SelinonTask):
    def run(self, node_args): ...
class Ship(SelinonTask):
    def run(self, node_args): ...
class Free(SelinonTask):
    def run(self, node_args): ...
"""


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "flow.yaml").write_text((Path(__file__).parent / "golden" / "typed_flow.yaml").read_text())
    (tmp_path / "shop.py").write_text(TYPED_TASKS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_types_of_what_moves(typed: Path, cli: Cli) -> None:
    ran = cli("inspect", "--types")
    assert (ran.code, ran.err) == (0, "")
    check_golden("inspect-types.txt", ran.out)


def test_the_types_of_what_moves_as_json(typed: Path, cli: Cli) -> None:
    ran = cli("inspect", "--types", "--format", "json")
    assert (ran.code, ran.err) == (0, "")
    check_golden("inspect-types.json", ran.out)


def test_types_of_a_project_without_expressions(shop: Path, cli: Cli) -> None:
    ran = cli("inspect", "--types")
    assert (ran.code, ran.err) == (0, "")
    assert "Ship gets anything, the arguments of the flow" in ran.out


def test_annotations_are_found_where_modules_are(typed: Path, cli: Cli) -> None:
    (typed / "code").mkdir()
    (typed / "shop.py").rename(typed / "code" / "shop.py")
    assert "the annotation of run" not in cli("inspect", "--types").out
    assert "the annotation of run" in cli("inspect", "--types", "--pythonpath", "code").out


@pytest.mark.parametrize("words", [("--dump", "-"), ("--list-nodes",)])
def test_types_are_printed_alone(typed: Path, cli: Cli, words: tuple[str, ...]) -> None:
    assert cli("inspect", "--types", *words).code == 2
