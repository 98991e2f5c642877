"""Which cases failed at the last run is remembered beside the project, whatever is in the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from selinon_core.testing.last_run import LastRun


def test_what_failed_is_remembered_in_order(tmp_path: Path) -> None:
    LastRun(str(tmp_path)).record(["a", "b", "c"], ["c", "a"])
    assert LastRun(str(tmp_path)).failed() == ["c", "a"]


def test_cases_that_did_not_run_keep_their_mark(tmp_path: Path) -> None:
    memory = LastRun(str(tmp_path))
    memory.record(["a", "b"], ["a", "b"])
    memory.record(["a"], [])
    assert memory.failed() == ["b"]


def test_nothing_is_written_where_nothing_ever_failed(tmp_path: Path) -> None:
    LastRun(str(tmp_path)).record(["a"], [])
    assert list(tmp_path.iterdir()) == []


def test_git_ignores_the_directory(tmp_path: Path) -> None:
    LastRun(str(tmp_path)).record(["a"], ["a"])
    assert (tmp_path / ".selinon" / ".gitignore").read_text(encoding="utf-8") == "*\n"


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"version": 9, "failed": ["a"]}', '{"version": 1}', "[" * 10000]
)
def test_a_file_that_cannot_be_read_counts_as_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / ".selinon" / "last-test-run.json"
    path.parent.mkdir()
    path.write_text(content, encoding="utf-8")
    memory = LastRun(str(tmp_path))
    assert memory.failed() == []
    memory.record(["a"], ["a"])
    assert json.loads(path.read_text(encoding="utf-8"))["failed"] == ["a"]


def test_a_directory_that_cannot_be_written_to_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / ".selinon").write_text("a file in its place", encoding="utf-8")
    LastRun(str(tmp_path)).record(["a"], ["a"])
    assert LastRun(str(tmp_path)).failed() == []
