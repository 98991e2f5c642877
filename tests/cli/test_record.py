"""``selinon record``: the runs that are named, what is written where, and what is said of wrong ones."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from tests.cli.conftest import GIFT_RUN, Cli

CASES = "order.flowtest.yaml"


@pytest.fixture
def orders(order_project: Path, cli: Cli) -> Path:
    """A project with the report and the trace of a run in which nothing was charged."""
    assert cli(*GIFT_RUN, "--report", "run.json", "--trace", "run.jsonl").code == 0
    return order_project


def test_a_case_is_written_and_passes(orders: Path, cli: Cli) -> None:
    ran = cli("record", "run.json", "--name", "a gift", "-o", CASES)
    assert (ran.code, ran.err) == (0, f"recorded 1 case in {CASES}\n")
    assert cli("test", CASES).code == 0
    again = cli("record", "run.jsonl", "--name", "by its trace", "-o", CASES)
    assert again.code == 0, again.err
    assert "the result of LoadOrder" in again.err
    assert Path(CASES).read_text().count("- name:") == 2
    assert cli("test", CASES).code == 0


def test_stdout_has_the_case_alone(orders: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = cli("record", "run.json")
    assert ran.out.startswith('tests:\n  - name: "order succeeded, run ')
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(Path("run.json").read_bytes())))
    assert cli("record", "-").out == ran.out


def test_a_directory_has_one_case_for_each_run_or_each_set_of_goals(orders: Path, cli: Cli) -> None:
    Path("runs").mkdir()
    for name in ("one.json", "two.json"):
        Path("runs", name).write_text(Path("run.json").read_text())
    Path("runs", "three.jsonl").write_text(Path("run.jsonl").read_text())
    assert cli("record", "runs").err.endswith("recorded 3 cases\n")
    ran = cli("record", "runs", "--distinct")
    assert ran.out.count("- name:") == 1
    assert ran.err.endswith("recorded 1 case of 3 runs, the others cover nothing else\n")


def test_events_that_explain_nothing_do_not_hide_a_line_that_is_cut(orders: Path, cli: Cli) -> None:
    lines = [*Path("run.jsonl").read_text().splitlines(), '{"event": "STORAGE_STORE", "time": 0.0, "flow_na']
    Path("cut.jsonl").write_text("\n".join(lines))
    ran = cli("explain", "cut.jsonl")
    assert (ran.code, f"line {len(lines)} is not a JSON object" in ran.err) == (2, True)


def test_a_local_run_is_recorded_at_once(orders: Path, cli: Cli) -> None:
    ran = cli(*GIFT_RUN, "--record", CASES)
    assert ran.code == 0, ran.err
    assert cli("test", CASES).code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["record"], "no run is named"),
        (["record", "missing.json"], "cannot read missing.json"),
        (["record", "run.json", "-o", "cases.yaml"], "does not have the name of a case file"),
        (["record", "run.json::x"], "is the report of one run"),
        (["record", "run.jsonl::x"], "it has no flow run x"),
        (["record", "broken.json"], "is not the report of a run: nodes[0] has no name"),
        (["record", "cut.jsonl"], "line 2 is not a JSON object"),
        (["record", "other.jsonl"], "it has no event of a flow run that the files know"),
        (["record", "export.json"], "its logs cannot be read"),
        (["record", "empty"], "empty has no history"),
        ([*GIFT_RUN, "--record", "x.yaml"], "does not have the name of a case file"),
        ([*GIFT_RUN, "--record", CASES, "--select", "Ship"], "--record is about whole runs"),
        (["run", "--record", CASES], "--record is about local runs"),
    ],
    ids=lambda value: " ".join(value[-2:]) if isinstance(value, list) else "",
)
def test_what_cannot_be_recorded_is_wrong_use(orders: Path, cli: Cli, words: list[str], message: str) -> None:
    report = json.loads(Path("run.json").read_text())
    Path("broken.json").write_text(json.dumps({**report, "nodes": [{"id": "1"}]}))
    Path("export.json").write_text(json.dumps({**report, "export": {"version": 9, "at": 1.0}}))
    lines = Path("run.jsonl").read_text().splitlines()
    Path("cut.jsonl").write_text(f"{lines[0]}\n{lines[1][:40]}")
    Path("other.jsonl").write_text(lines[0].replace('"order"', '"unknown"'))
    Path("empty").mkdir()
    ran = cli(*words)
    assert ran.code == 2
    assert message in ran.err
    assert not Path(CASES).exists()


def test_a_run_that_the_files_do_not_repeat_is_told_and_nothing_is_written(orders: Path, cli: Cli) -> None:
    flows = Path("project.yaml").read_text()
    Path("project.yaml").write_text(flows.replace("vars.free_below", "-1"))
    ran = cli("record", "run.json", "-o", CASES)
    assert ran.code == 1
    assert "the case would not do what the run did; it is not recorded" in ran.err
    assert not Path(CASES).exists()


def test_a_name_that_is_taken_leaves_the_file_as_it_is(orders: Path, cli: Cli) -> None:
    assert cli("record", "run.json", "--name", "a gift", "-o", CASES).code == 0
    before = Path(CASES).read_text()
    ran = cli("record", "run.json", "--name", "a gift", "-o", CASES)
    assert (ran.code, "has a case 'a gift' already: give the new one a --name" in ran.err) == (1, True)
    assert Path(CASES).read_text() == before
