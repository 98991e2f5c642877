"""Case files in processes of their own: the same results in the same order, whatever becomes of the processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from selinon_core.testing.collection import CaseFile, collect
from selinon_core.testing.options import RunOptions
from selinon_core.testing.parallel import CAN_FORK, run_files
from selinon_core.testing.results import FileResult
from selinon_core.testing.snapshots import SnapshotError
from tests.testing.shop import Shop

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="this system has no fork")

FINE = "flow: order\ntests: [{name: fine, tasks: real}]\n"
FAILS = "flow: order\ntests: [{name: fails, tasks: real, expect: {not_ran: Charge}}, {name: after, tasks: real}]\n"


def without_times(results: Iterator[FileResult]) -> list[FileResult]:
    return [
        result._replace(cases=tuple(case._replace(seconds=0.0) for case in result.cases)) for result in results
    ]


def write(files: Sequence[str]) -> list[CaseFile]:
    for number, text in enumerate(files):
        Path(f"{number}.flowtest.yaml").write_text(text, encoding="utf-8")
    return collect([])


@pytest.mark.parametrize("jobs", [2, 3, 50])
def test_results_are_those_of_one_process_in_the_order_of_the_files(shop: Shop, jobs: int) -> None:
    files = write([FINE, FAILS, FINE, FINE, FAILS])
    options = RunOptions(keep_reports=True)
    one, many = without_times(run_files(files, options)), without_times(run_files(files, options, jobs))
    assert [result.file for result in many] == [file.name for file in files]
    for ours, theirs in zip(one, many, strict=True):
        assert [case._replace(report=None) for case in ours.cases] == [
            case._replace(report=None) for case in theirs.cases
        ]
        assert ours.notes == theirs.notes


def test_the_first_failure_ends_all(shop: Shop) -> None:
    files = write([FINE, FAILS, FINE, FAILS, FINE])
    results = without_times(run_files(files, RunOptions(fail_fast=True), 3))
    assert [[case.status for case in result.cases] for result in results] == [["passed"], ["failed"]]


@pytest.mark.parametrize(
    ("line", "how"), [("os._exit(7)", "with exit code 7"), ("os.kill(os.getpid(), 9)", "by signal 9")]
)
def test_a_process_that_dies_is_an_error_of_its_cases(shop: Shop, line: str, how: str) -> None:
    tasks = Path("tasks.py").read_text(encoding="utf-8")
    tasks = tasks.replace(
        "        number = ", f"        import os\n        if node_args: {line}\n        number = "
    )
    Path("tasks.py").write_text(tasks, encoding="utf-8")
    files = write([FINE, FINE.replace("tasks: real", "tasks: real, args: {number: 8}"), FINE])
    results = list(run_files(files, RunOptions(), 2))
    assert [case.status for result in results for case in result.cases] == ["passed", "error", "passed"]
    assert how in results[1].cases[0].findings[0].found


def test_a_broken_snapshot_file_ends_the_run_as_in_one_process(shop: Shop) -> None:
    files = write([FINE, FINE.replace("tasks: real", "tasks: real, expect: {snapshot: true}")])
    Path("__snapshots__").mkdir()
    Path("__snapshots__/1.flowtest.yaml.json").write_text("{", encoding="utf-8")
    with pytest.raises(SnapshotError, match=r"__snapshots__/1\.flowtest\.yaml\.json is not a snapshot file"):
        list(run_files(files, RunOptions(), 2))
