"""``selinon eval``, and what ``selinon run`` says of arguments that do not fit and of outputs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

MOCKS = {
    "LoadOrder": {"number": 7, "total": 12.5, "lines": [{"item": "lamp"}, {"item": "rug"}]},
    "ReserveItem": {"shelf": "A1"},
    "Ship": {"parcel": "P-7"},
}
RUN = [part for name, result in MOCKS.items() for part in ("--mock", f"{name}={json.dumps(result)}")]
RUN = ["run", "--local", "--quiet", "--flow", "order", "--mock-tasks", *RUN]


@pytest.fixture
def report(order_project: Path, cli: Cli) -> str:
    """The report of a run."""
    assert cli(*RUN, "--report", "run.json").code == 0
    return "run.json"


def test_the_summary_of_a_run_has_the_output(order_project: Path, cli: Cli) -> None:
    assert '\noutput: {"parcel": "P-7"}\n' in cli(*RUN).out


def test_a_wrong_call_is_told_before_anything_runs(order_project: Path, cli: Cli) -> None:
    ran = cli(*RUN, "-a", "number=seven")
    what = "the arguments of flow order do not fit its input_schema: at $.number: is text, not an integer"
    assert (ran.code, ran.out, ran.err.splitlines()[0]) == (2, "", f"error: {what}")


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (["LoadOrder.total > vars.free_below", "--edge", "2"], "true  (boolean)"),
        (["{'a': reserve.shelves}", "--edge", "3"], '{"a": ["A1", "A1"]}  (object)'),
        (["args.number + LoadOrder.number", "--edge", "1"], "14  (number)"),
        (["all.Charge", "--flow", "order"], "[null]  (list)"),
        (["last.Ship.parcel"], '"P-7"  (text)'),
        (["env.SELINON_TEST_REGION"], '"eu"  (text)'),
    ],
)
def test_the_value_and_its_type_are_printed(report: str, cli: Cli, words: list[str], out: str) -> None:
    flow = [] if "--flow" in words else ["--flow", "order"]
    ran = cli("eval", *words, *flow, "--report", report)
    assert (ran.code, ran.out) == (0, f"{out}\n")


def test_each_item_has_its_value(report: str, cli: Cli) -> None:
    ran = cli("eval", "item.item", "--flow", "reserve", "--edge", "0", "--report", report)
    assert ran.out == 'item 0: "lamp"  (text)\nitem 1: "rug"  (text)\n'


def test_as_json_with_what_was_read(report: str, cli: Cli) -> None:
    words = ("LoadOrder.total * 2", "--flow", "order", "--edge", "1", "--format", "json")
    (row,) = json.loads(cli("eval", *words, "--report", report).out)
    assert (row["value"], row["type"], row["saw"]) == (25.0, "number", {"LoadOrder.total": 12.5})
    assert row["about"].startswith("LoadOrder ")


def test_an_expression_without_a_value_says_why(report: str, cli: Cli) -> None:
    ran = cli("eval", "Ship.parcel", "--flow", "order", "--edge", "1", "--report", report)
    assert (ran.code, ran.out) == (1, "error: no run of Ship led here\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["LoadOrder."], "is not an expression"),
        (["nothing(1)"], "nothing"),
        (["1", "--edge", "9"], "flow order has no edge 9: its edges are 0 to 4"),
        (["1", "--edge", "4"], "the report has no combination of reserve"),
    ],
)
def test_wrong_use_is_reported(report: str, cli: Cli, words: list[str], message: str) -> None:
    Path(report).write_text(
        json.dumps(
            {**json.loads(Path(report).read_text()), "decisions": []}
        )  # as if the edge was never considered
    )
    ran = cli("eval", *words, "--flow", "order", "--report", report)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
