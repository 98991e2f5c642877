"""``selinon explain``: the run it is asked about, and what it says of wrong questions."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from tests.cli.conftest import GIFT_RUN, Cli

CASES = """\
flow: order
tests:
  - name: a gift
    mocks: &mocks
      LoadOrder: {result: {number: 7, total: 0, lines: []}}
      Ship: {result: {parcel: P-7}}
    expect: {status: success}
  - {name: twice, mocks: *mocks, expect: {status: success}}
"""


@pytest.fixture
def orders(order_project: Path, cli: Cli) -> Path:
    """A project with the report and the trace of a run in which nothing was charged."""
    Path("order.flowtest.yaml").write_text(CASES)
    assert cli(*GIFT_RUN, "--report", "run.json", "--trace", "run.jsonl").code == 0
    return order_project


@pytest.mark.parametrize("run", ["run.json", "run.jsonl", "order.flowtest.yaml::a gift"])
def test_a_report_a_trace_and_a_case_say_the_same(orders: Path, cli: Cli, run: str) -> None:
    ran = cli("explain", run, "Charge")
    assert ran.code == 0, ran.err
    first, *because = ran.out.splitlines()
    assert first == "Charge did not run in order."
    assert because[0].startswith("  edge ")
    assert "was considered once and said no  (project.yaml:" in because[0]
    assert any("LoadOrder.total > vars.free_below    is false: LoadOrder.total was 0" in line for line in because)


def test_without_a_node_it_is_about_the_run(orders: Path, cli: Cli) -> None:
    assert cli("explain", "run.json").out == "order succeeded.\n"


def test_all_has_each_node_that_did_not_run(orders: Path, cli: Cli) -> None:
    ran = cli("explain", "run.json", "--all", "--depth", "1")
    assert [line for line in ran.out.splitlines() if not line.startswith(" ")] == [
        "Charge did not run in order.",
        "reserve/ReserveItem did not run in order.",
    ]


def test_json_and_a_drawing(orders: Path, cli: Cli) -> None:
    (answer,) = json.loads(cli("explain", "run.json", "Charge", "--format", "json").out)
    assert (answer["verdict"], answer["because"][0]["reason"]) == ("not_run", "condition-false")
    assert cli("explain", "run.json", "Charge", "--format", "mermaid").out.startswith("flowchart BT\n    a1([")


def test_standard_input(orders: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(Path("run.json").read_bytes())))
    ran = cli("explain", "-", "Charge")
    assert ran.out.startswith("Charge did not run"), ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run.json", "Chrge"], "no node is named 'Chrge': did you mean \"Charge\"?"),
        (["run.json", "--edge", "Load -> Charge"], "no edge is 'Load -> Charge'"),
        (["run.json", "Charge", "--all"], "one at a time"),
        (["gone.json"], "cannot read gone.json: No such file"),
        (["project.yaml"], "project.yaml: line 2 is not a JSON object"),
        (["order.json"], "order.json is not the report of a run: it has no nodes"),
        (["run.jsonl::nix"], "run.jsonl: it has no flow run nix"),
        (["run.json::nix"], "run.json is the report of one run: leave ::nix out"),
        (["order.flowtest.yaml"], "has 2 cases: 'a gift', 'twice'"),
        (["order.flowtest.yaml::no gift"], "order.flowtest.yaml has no case 'no gift'"),
    ],
)
def test_wrong_questions(orders: Path, cli: Cli, words: list[str], said: str) -> None:
    ran = cli("explain", *words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "Traceback" not in ran.err
