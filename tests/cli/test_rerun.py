"""``selinon rerun`` with a report: the preview, the questions before it runs, and what it refuses."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

LOADED = 'LoadOrder={"number": 7, "total": 81.0, "lines": []}'
MOCKS = ["--mock-tasks", "--mock", LOADED, "--mock", 'Ship={"parcel": "P-7"}']
MOCKS += ["--mock", 'Charge={"receipt": "R-7", "amount": 81.0}']


@pytest.fixture
def orders(order_project: Path, cli: Cli) -> Path:
    """A project with the report of a run in which charging failed."""
    run = cli("run", "--local", "--quiet", "--flow", "order", *MOCKS, "--fail", "Charge", "--report", "run.json")
    assert run.code == 1, run.err
    return order_project


def test_the_plan_says_what_runs_again_and_why(orders: Path, cli: Cli) -> None:
    ran = cli("rerun", "run.json", "--plan")
    assert ran.code == 0, ran.err
    kinds = {line[:11].strip(): line[11:].strip() for line in ran.out.splitlines()}
    assert kinds["run again"].startswith("Charge ")
    assert "failed: InjectedFailure" in kinds["run again"]
    assert kinds["then"].startswith("Ship ")
    assert kinds["then"].endswith("never ran")
    assert kinds["reuse"].startswith("LoadOrder, reserve ")


def test_the_plan_is_json_for_programs(orders: Path, cli: Cli) -> None:
    found = json.loads(cli("rerun", "run.json", "--plan", "--format", "json").out)
    assert found["version"] == 1
    assert [row["node"] for row in found["again"]] == ["Charge"]
    assert {row["node"]: row["why"] for row in found["then"]} == {"Ship": "never ran"}
    assert [row["node"] for row in found["reuse"]] == ["LoadOrder", "reserve"]
    assert found["missing"] == []


def test_what_failed_runs_again_and_the_report_says_of_which_run_it_is(orders: Path, cli: Cli) -> None:
    ran = cli("rerun", "run.json", *MOCKS, "--report", "again.json")
    assert ran.code == 0, ran.err
    first, again = json.loads(Path("run.json").read_text()), json.loads(Path("again.json").read_text())
    assert again["rerun"]["of"] == again["rerun"]["origin"] == first["id"]
    assert again["id"] != first["id"]
    by_name = {node["name"]: node for node in again["nodes"]}
    assert by_name["LoadOrder"]["status"] == "reused"
    assert by_name["LoadOrder"]["reused_from"] == first["id"]
    assert by_name["Charge"]["status"] == "success"
    said = cli("explain", "again.json", "LoadOrder")
    assert f"in flow run {first['id']}" in said.out
    again = cli("rerun", "again.json")
    assert (again.code, again.out) == (0, "")
    assert "nothing is to run again" in again.err


def test_tasks_that_succeeded_do_not_run_again_without_a_question(
    orders: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    ran = cli("rerun", "run.json", "--select", "LoadOrder", *MOCKS)
    assert ran.code == 2
    assert "tasks would run again that succeeded: LoadOrder" in ran.err
    assert "--yes" in ran.err
    assert cli("rerun", "run.json", "--select", "LoadOrder", "--yes", *MOCKS).code == 0


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("\n", 2)])
def test_on_a_terminal_it_is_asked(
    orders: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    class Typed(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Typed(answer))
    ran = cli("rerun", "run.json", "--select", "LoadOrder", *MOCKS)
    assert ran.code == code
    assert "Go on? [y/N]" in ran.err


def test_a_given_result_has_to_fit(orders: Path, cli: Cli) -> None:
    refused = cli("rerun", "run.json", "--give", 'LoadOrder={"number": "seven"}')
    assert refused.code == 2
    assert "the result of LoadOrder does not fit" in refused.err
    Path("given.json").write_text('{"receipt": "R-8", "amount": 1.0}')
    ran = cli("rerun", "run.json", "--give", "Charge=@given.json", *MOCKS, "--fail", "Charge", "--format", "json")
    assert ran.code == 0, ran.err
    by_name = {node["name"]: node for node in json.loads(ran.out)["nodes"]}
    assert by_name["Charge"]["result"] == {"receipt": "R-8", "amount": 1.0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.json"], "cannot read nothing.json"),
        (["project.yaml"], "is not JSON"),
        (["run.json", "--select", "Chargee"], "did you mean Charge?"),
        (["run.json", "--select", "state:fialed"], 'did you mean "failed"?'),
        (["run.json", "--give", "Charge"], "is not NODE=JSON or NODE=@FILE"),
        (["run.json", "--give", "Charge=x"], "is not JSON"),
        (["run.json", "--give", "Chargee=1"], "no task is named Chargee"),
        (["run.json", "--app", "shop"], "--app, --detach and --by are about workers"),
        (["run.json", "--report", "-", "--trace", "-"], "only one of"),
    ],
)
def test_wrong_use_is_reported(orders: Path, cli: Cli, arguments: list[str], message: str) -> None:
    ran = cli("rerun", *arguments)
    assert ran.code == 2
    assert message in ran.err


def test_what_a_report_hides_is_not_reused(orders: Path, cli: Cli) -> None:
    text = Path("project.yaml").read_text()
    Path("project.yaml").write_text(text + "\nglobal:\n  redact: [total]\n" if "global:" not in text else text)
    if "redact" not in Path("project.yaml").read_text():
        Path("project.yaml").write_text(text.replace("global:", "global:\n  redact: [total]", 1))
    run = cli("run", "--local", "--quiet", "--flow", "order", *MOCKS, "--fail", "Charge", "--report", "run.json")
    assert run.code == 1, run.err
    ran = cli("rerun", "run.json", *MOCKS)
    assert ran.code == 2
    assert "LoadOrder cannot be reused: the report hides its result (global.redact)" in ran.err
    planned = cli("rerun", "run.json", "--plan")
    assert planned.code == 1
    assert "--select LoadOrder runs it again" in planned.err
