"""Through the command line: every sample is clean, its flow test cases pass, and it can be drawn."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, Protocol

import pytest
import yaml

from selinon_core.project import compile_project
from tests.forked_cli import ForkedCli

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_flows"
ALL = sorted(path for path in SAMPLES.iterdir() if path.is_dir() and not path.name.startswith((".", "_")))
each_sample = pytest.mark.parametrize("sample", ALL, ids=[sample.name for sample in ALL])


class Selinon(Protocol):
    """Calls the command line; the samples' modules must not meet those of the tests, so it has its own process."""

    def __call__(self, *words: str | Path, cwd: Path) -> CompletedProcess[str]:
        """Call it in a directory."""


@pytest.fixture
def selinon(forked_cli: ForkedCli) -> Selinon:
    def run(*words: str | Path, cwd: Path) -> CompletedProcess[str]:
        return forked_cli.run(*words, cwd=cwd, env={"PATH": "", "PYTHONPATH": str(ROOT)})

    return run


def test_there_are_at_least_ten() -> None:
    assert len(ALL) >= 10


@each_sample
def test_lint_has_nothing_to_say(sample: Path, tmp_path: Path, selinon: Selinon) -> None:
    linted = selinon("lint", "--strict", "--format", "json", sample, cwd=tmp_path)
    assert (linted.returncode, json.loads(linted.stdout)) == (0, []), linted.stdout + linted.stderr


@each_sample
def test_the_flow_test_cases_pass(sample: Path, tmp_path: Path, selinon: Selinon) -> None:
    ran = selinon("test", "--ci", "--format", "json", sample, cwd=tmp_path)
    report = json.loads(ran.stdout)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert {case["status"] for case in report["cases"]} == {"passed"}
    run = {case["flow"] for case in report["cases"]}
    assert run >= set(compile_project([sample]).plan.top_level_flows)  # type: ignore[union-attr]


@each_sample
def test_the_cases_notice_every_mistake(sample: Path, tmp_path: Path, selinon: Selinon) -> None:
    ran = selinon("mutate", "--format", "json", "--fail-under", 100, sample, cwd=tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    mutants = json.loads(ran.stdout)["mutants"]
    assert all(mutant["reason"] for mutant in mutants if mutant["status"] == "ignored")


@each_sample
def test_the_cases_cover_every_goal_and_checking_finds_nothing(
    sample: Path, tmp_path: Path, selinon: Selinon
) -> None:
    copy = tmp_path / sample.name
    shutil.copytree(sample, copy, ignore=shutil.ignore_patterns("__pycache__", ".selinon"))
    checked = selinon("check", "--strict", cwd=copy)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    covered = selinon("test", "--ci", "--cover", "--cover-fail-under", 100, cwd=copy)
    assert covered.returncode == 0, covered.stdout + covered.stderr


@each_sample
def test_can_be_drawn(sample: Path, tmp_path: Path, selinon: Selinon) -> None:
    drawn = selinon("graph", "--expand", "-o", tmp_path, sample, cwd=tmp_path)
    assert drawn.returncode == 0, drawn.stderr
    flows = [flow["name"] for file in sample.rglob("*.yaml") for flow in _flows(file)]
    assert sorted(file.stem for file in tmp_path.glob("*.svg")) == sorted(flows)
    for file in tmp_path.glob("*.svg"):
        assert "</svg>" in file.read_text(encoding="utf-8")


@each_sample
def test_readme_shows_commands_that_work(sample: Path, tmp_path: Path, selinon: Selinon) -> None:
    """Each of them, word for word, in a copy of the sample."""
    copy = tmp_path / sample.name
    shutil.copytree(sample, copy)
    text = (sample / "README.md").read_text(encoding="utf-8")
    commands = [
        line for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL) for line in block.splitlines()
    ]
    assert commands
    for line in commands:
        program, *words = shlex.split(line, comments=True)
        assert program == "selinon"
        done = selinon(*words, cwd=copy)
        # 1: a flow that fails, which some are there to show
        assert done.returncode in (0, 1), line + "\n" + done.stderr
        assert done.returncode == 0 or "failure" in done.stdout, line


def _flows(file: Path) -> list[dict[str, Any]]:
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    return content.get("flow-definitions", []) if isinstance(content, dict) else []


# --- what a case cannot say


def test_book_statistics_in_files(tmp_path: Path, selinon: Selinon) -> None:
    ran = selinon("run", "--local", "--storage", "real", SAMPLES / "book_statistics", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert len(list(tmp_path.glob("results/book/*/*.json"))) == 4


def test_selective_rerun_with_results_of_an_earlier_run(tmp_path: Path, selinon: Selinon) -> None:
    sample = SAMPLES / "selective_rerun"
    assert selinon("run", "--local", "--report", "last-run.json", sample, cwd=tmp_path).returncode == 0

    def statuses(*words: str) -> dict[str, str]:
        ran = selinon("run", "--local", "--report", "-", "--reuse", "last-run.json", *words, sample, cwd=tmp_path)
        assert ran.returncode == 0, ran.stderr
        return {node["name"]: node["status"] for node in json.loads(ran.stdout)["nodes"]}

    assert statuses("--select", "Histogram") == {
        "ReadMeasurements": "reused",
        "RemoveOutliers": "reused",
        "Histogram": "success",
    }
    again = statuses("--select", "RemoveOutliers", "--run-subsequent", "-a", "limit=100")
    assert again["ReadMeasurements"] == "reused"
    assert set(again.values()) == {"reused", "success"}
    assert len(again) == 5


def test_traced_backup_writes_every_step_down(tmp_path: Path, selinon: Selinon) -> None:
    ran = selinon("run", "--local", SAMPLES / "traced_backup", cwd=tmp_path)
    steps = [line.rstrip() for line in ran.stderr.splitlines() if line.startswith("audit: ")]
    assert [step for step in steps if "TASK_END" in step or "FLOW" in step] == [
        "audit: FLOW_START backup",
        "audit: TASK_END backup ListFiles",
        "audit: TASK_END backup Checksum letter.txt",
        "audit: TASK_END backup Checksum list.txt",
        "audit: FLOW_END backup",
    ]
