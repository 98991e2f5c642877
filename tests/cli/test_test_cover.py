"""``test --cover``: what cases cover, and bounds on it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import CASES, Cli


def test_the_table_follows_the_verdicts_and_the_data_is_left_for_later(tested: Path, cli: Cli) -> None:
    ran = cli("test", "--cover")
    assert ran.code == 0
    lines = [line.split() for line in ran.out.splitlines()]
    assert ["order", "4", "9", "44.4", "%"] in lines
    goals = json.loads(cli("cover", "--format", "json").out)["flows"]["order"]["goals_list"]
    assert {tuple(goal["by"]) for goal in goals if goal["hits"]} == {("flows/order.flowtest.yaml::paid",)}


def test_without_cover_nothing_is_left(tested: Path, cli: Cli) -> None:
    assert cli("test").code == 0
    assert not (tested / ".selinon" / "coverage.json").exists()


def test_machine_forms_keep_to_themselves(tested: Path, cli: Cli) -> None:
    ran = cli("test", "--cover", "--format", "json")
    assert json.loads(ran.out)["cases"]
    assert "4 of 9 goals covered: 44.4 %" in ran.err


def test_less_than_the_bound_fails_although_all_cases_pass(tested: Path, cli: Cli) -> None:
    assert cli("test", "--cover-fail-under", "44").code == 0
    ran = cli("test", "--cover-fail-under", "45")
    assert ran.code == 1
    assert "44.4 % of all goals are covered, less than 45 %" in ran.err
    assert cli("test", "--cover-fail-under", "101").code == 2


def test_processes_cover_together_what_one_covers(tested: Path, cli: Cli) -> None:
    second = CASES.replace("name: paid", "name: refused").replace("{result: {paid: true}}", "{fatal: no}")
    second = second.replace("{ran: [Charge, Ship]}", "{ran: [Refund]}")
    (tested / "flows" / "more.flowtest.yaml").write_text(second)
    assert cli("test", "--cover").code == 0
    alone = cli("cover", "--format", "json").out
    assert cli("test", "--cover", "-j", "2").code == 0
    assert cli("cover", "--format", "json").out == alone
    assert json.loads(alone)["total"]["covered"] == 6
