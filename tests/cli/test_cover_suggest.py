"""``cover --suggest``: cases for what no case covers; goals that no run can meet."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import CASES, Cli


def test_cases_are_suggested_for_what_is_missing_and_cover_it(tested: Path, cli: Cli) -> None:
    assert cli("test", "--cover").code == 0
    ran = cli("cover", "--suggest", "flows/new.flowtest.yaml")
    assert (ran.code, ran.err) == (0, "wrote 4 test cases to flows/new.flowtest.yaml\n")
    ran = cli("test", "--cover-fail-under", "100", "--cover")
    assert ran.code == 0, ran.out + ran.err
    assert "5 passed" in ran.out


def test_suggestions_go_to_stdout_instead_of_the_report(tested: Path, cli: Cli) -> None:
    assert cli("test", "--cover").code == 0
    out = cli("cover", "--suggest", "-").out
    assert out.startswith("tests:\n")
    assert "covered  goals" not in out


def test_a_place_where_nothing_can_be_written_is_refused_before_anything_is_reported(
    tested: Path, cli: Cli
) -> None:
    for target, message in ((".", ". is a directory"), ("nowhere/a.yaml", "there is no directory nowhere")):
        ran = cli("cover", "--suggest", target)
        assert (ran.code, ran.out) == (2, "")
        assert message in ran.err


def test_a_file_that_exists_is_not_overwritten(tested: Path, cli: Cli) -> None:
    assert cli("test", "--cover").code == 0
    ran = cli("cover", "--suggest", "flows/order.flowtest.yaml")
    assert ran.code == 2
    assert "flows/order.flowtest.yaml exists" in ran.err
    assert (tested / "flows" / "order.flowtest.yaml").read_text() == CASES


def test_what_no_run_can_meet_is_listed_apart(tested: Path, cli: Cli) -> None:
    flows = tested / "flows" / "order.yaml"
    flows.write_text(
        flows.read_text()
        + """\
      - {nodes: [Charge, Ship], fallback: true}
"""
    )
    assert cli("test", "--cover").code == 0
    found = json.loads(cli("cover", "--format", "json").out)["flows"]["order"]
    assert (found["goals"], found["impossible"]) == (9, 1)
    (goal,) = [goal for goal in found["goals_list"] if goal["status"] == "impossible"]
    assert goal["id"] == "order/failure:1/used"
    assert "selinon check" in goal["reason"]


FAILING = """\
tasks:
  - {name: First, import: shop, classname: Refund, max_retry: 1}
  - {name: Slow, import: shop, classname: Refund, timeout: 5}
  - {name: Last, import: shop, classname: Refund, storage: Ledger}
flow-definitions:
  - name: late
    edges:
      - {from: , to: First}
      - {from: First, to: Slow}
      - {from: Slow, to: Last}
      - {from: Last, to: Last, condition: Last.again}
"""


def test_suggested_cases_have_no_mock_that_their_runs_do_not_need(tested: Path, cli: Cli) -> None:
    """A task that fails early leaves others unrun; one that is late and is not tried again has one attempt."""
    (tested / "flows" / "late.yaml").write_text(FAILING)
    assert cli("test", "--cover").code == 0
    assert cli("cover", "--suggest", "flows/new.flowtest.yaml").code == 0
    text = (tested / "flows" / "new.flowtest.yaml").read_text()
    assert "Slow timed out" in text
    assert "First failed after its last retry" in text
    ran = cli("test", "flows/new.flowtest.yaml")
    assert (ran.code, ran.err) == (0, "")
