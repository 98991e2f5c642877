"""Snapshots hold the canonical form of a run: written once, compared ever after, and never silently outdated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from selinon_core.testing.case_run import CaseRunner
from selinon_core.testing.file_run import FileRun
from selinon_core.testing.options import RunOptions
from selinon_core.testing.snapshots import SnapshotError
from tests.testing.shop import Shop

CASE = """
flow: order
tests:
  - name: a case
    tasks: real
    expect: {snapshot: true}
"""
STORED = Path("__snapshots__/order.flowtest.yaml.json")


def stored() -> dict[str, list[dict[str, object]]]:
    cases: dict[str, list[dict[str, object]]] = json.loads(STORED.read_text(encoding="utf-8"))["cases"]
    return cases


def change_the_price() -> None:
    orders = Path("orders.json")
    orders.write_text(orders.read_text(encoding="utf-8").replace('"price": ', '"price": 1'), encoding="utf-8")


def test_a_missing_snapshot_is_written_and_holds_every_node_run(shop: Shop) -> None:
    result = shop.run_file(CASE)
    assert [case.status for case in result.cases] == ["passed"]
    assert "snapshot-written" in [note.kind for note in result.notes]
    rows = stored()["a case"]
    assert [row["node"] for row in rows][:2] == ["LoadOrder", "reserve"]
    assert set(rows[0]) == {"node", "flow", "args", "parents", "status", "attempts", "result", "started_at"}
    assert "Charge" in json.dumps(rows[-1]["parents"])  # labels, no ids


def test_an_equal_run_changes_nothing(shop: Shop) -> None:
    shop.run_file(CASE)
    before = STORED.stat().st_mtime_ns
    result = shop.run_file(CASE)
    assert [case.status for case in result.cases] == ["passed"]
    assert "snapshot-written" not in [note.kind for note in result.notes]
    assert STORED.stat().st_mtime_ns == before


def test_a_different_run_fails_and_says_where_it_differs(shop: Shop) -> None:
    shop.run_file(CASE)
    change_the_price()
    (finding,) = shop.run(CASE).findings
    assert finding.expectation == "snapshot"
    assert "result of LoadOrder is" in finding.found
    assert finding.where == "order.flowtest.yaml:6:14"


def test_updating_replaces_what_differs(shop: Shop) -> None:
    shop.run_file(CASE)
    change_the_price()
    assert shop.run(CASE, RunOptions(update_snapshots=True)).status == "passed"
    assert shop.run(CASE).status == "passed"


def test_in_continuous_integration_nothing_is_written(shop: Shop) -> None:
    (finding,) = shop.run(CASE, RunOptions(ci=True)).findings
    assert finding.found == f"{STORED} has none of this case, and --ci writes none"
    assert not STORED.exists()


def test_a_snapshot_that_no_case_has_any_more_is_noted_and_removed_by_an_update(shop: Shop) -> None:
    shop.run_file(CASE)
    renamed = CASE.replace("a case", "renamed")
    notes = [note for note in shop.run_file(renamed).notes if note.is_error(ci=True)]
    assert [note.kind for note in notes] == ["obsolete-snapshot"]
    assert "'a case'" in notes[0].text
    assert set(stored()) == {"a case", "renamed"}
    shop.run_file(renamed, RunOptions(update_snapshots=True))
    assert set(stored()) == {"renamed"}


def test_processes_that_run_cases_of_one_file_keep_the_snapshots_of_each_other(shop: Shop) -> None:
    text = CASE + CASE.partition("tests:\n")[2].replace("a case", "another")
    cases = shop.cases(text)
    runs = [FileRun("order.flowtest.yaml", "order.flowtest.yaml", cases, RunOptions()) for _ in cases]
    for number, run in enumerate(runs):
        assert run.run(CaseRunner(shop.plan, shop.project.pythonpath, RunOptions()), number).status == "passed"
    for run in runs:
        run.finish(shop.plan)
    assert set(stored()) == {"a case", "another"}


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"version": 7, "cases": {}}', '{"version": 1, "cases": {"a": 5}}']
)
def test_a_broken_file_is_an_error_and_is_not_written_over(shop: Shop, content: str) -> None:
    STORED.parent.mkdir()
    STORED.write_text(content, encoding="utf-8")
    with pytest.raises(SnapshotError, match=r"order\.flowtest\.yaml\.json"):
        shop.run(CASE)
    with pytest.raises(SnapshotError):
        shop.run(CASE, RunOptions(update_snapshots=True))
    assert STORED.read_text(encoding="utf-8") == content
