"""Cases with a schedule: they are played once, as it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from selinon_core.simulating import player
from selinon_core.simulating.campaign import Found
from selinon_core.testing.explained import explanation
from selinon_core.testing.options import RunOptions
from tests.testing.shop import Shop, copy_shop

CASE = """
flow: order
tests:
  - name: crashed and delivered twice
    tasks: real
    schedule:
      - crash: {after: commit, in: LoadOrder#1}
      - twice: reserve/ReserveItem#2
      - late: {of: Charge#1, by: 30}
    expect: {ends: once, same_as: undisturbed}
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The shop in the working directory."""
    monkeypatch.chdir(copy_shop(tmp_path / "shop"))
    return Shop()


def test_a_schedule_without_a_mistake_passes_in_one_run(shop: Shop) -> None:
    result = shop.run(CASE, RunOptions(seeds=5))
    assert (result.status, result.runs) == ("passed", 1), explanation(result)


def test_other_expectations_and_invariants_are_judged_too(shop: Shop) -> None:
    more = CASE.replace("expect: {", "expect: {runs: {LoadOrder: 1}, ")
    result = shop.run(more + "    invariants: [{name: never shipped, at_most: {Ship: 0}}]\n")
    assert {finding.expectation for finding in result.findings} == {"runs", "invariant"}


def test_a_failure_is_as_undisturbed_where_the_undisturbed_run_fails(shop: Shop) -> None:
    failing = CASE.replace("tasks: real", "mocks: {LoadOrder: {fatal: no order}}\n    tasks: real")
    failing = failing.replace("LoadOrder#1", "start order#1").replace("      - twice: reserve/ReserveItem#2\n", "")
    result = shop.run(failing.replace("      - late: {of: Charge#1, by: 30}\n", ""))
    assert result.status == "passed", explanation(result)
    stated = failing.replace("expect: {", "expect: {status: success, ")
    assert [finding.expectation for finding in shop.run(stated).findings] == ["status"]


def test_a_run_that_ends_twice_is_what_the_case_asks_not_to_happen(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(played: object) -> Iterator[Found]:
        yield Found("ends once", "order#1", "order#1 ends 2 times")
        yield Found("nothing lost", "order#1", "order#1 has ended, and its inbox holds 1")

    monkeypatch.setattr(player, "broken", broken)
    ended, lost = shop.run(CASE).findings
    assert (ended.expectation, ended.message) == (
        "ends",
        "expected the flow run to end once, but order#1 ends 2 times",
    )
    assert ended.where == "order.flowtest.yaml:10:14"
    assert (lost.expectation, lost.wanted) == ("invariant", 'what holds for every schedule: "nothing lost"')
