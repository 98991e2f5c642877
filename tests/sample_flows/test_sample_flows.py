"""Through the command line: every sample is clean, runs as its ``expected.yaml`` says, and can be drawn."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.sample_flows.cases import KEYS, SAMPLES, Sample, samples

ROOT = SAMPLES.parent
ALL = list(samples())
each_sample = pytest.mark.parametrize("sample", ALL, ids=[sample.name for sample in ALL])


def selinon(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Call the command line as it is installed; the samples' modules must not meet those of the tests."""
    command = [sys.executable, "-m", "selinon_cli", *map(str, words)]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=60, env={"PATH": "", "PYTHONPATH": str(ROOT)}
    )


def test_there_are_at_least_ten() -> None:
    assert len(ALL) >= 10


@each_sample
def test_lint_has_nothing_to_say(sample: Sample, tmp_path: Path) -> None:
    linted = selinon("lint", "--strict", "--format", "json", sample.path, cwd=tmp_path)
    assert (linted.returncode, json.loads(linted.stdout)) == (0, []), linted.stdout + linted.stderr


@each_sample
def test_runs_as_expected(sample: Sample, tmp_path: Path) -> None:
    for case in sample.cases():
        assert set(case) <= KEYS, case["name"]
        report, stderr = _run(sample, case, tmp_path)
        _compare(case, report, stderr, tmp_path)


@each_sample
def test_can_be_drawn(sample: Sample, tmp_path: Path) -> None:
    drawn = selinon("graph", "--expand", "-o", tmp_path, sample.path, cwd=tmp_path)
    assert drawn.returncode == 0, drawn.stderr
    flows = [flow["name"] for file in sample.path.rglob("*.yaml") for flow in _flows(file)]
    assert sorted(file.stem for file in tmp_path.glob("*.svg")) == sorted(flows)
    for file in tmp_path.glob("*.svg"):
        assert "</svg>" in file.read_text(encoding="utf-8")


@each_sample
def test_readme_shows_commands_that_work(sample: Sample, tmp_path: Path) -> None:
    """Each of them, word for word, in a copy of the sample."""
    import shlex
    import shutil

    copy = tmp_path / sample.name
    shutil.copytree(sample.path, copy)
    text = (sample.path / "README.md").read_text(encoding="utf-8")
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


def _run(sample: Sample, case: dict[str, Any], directory: Path) -> tuple[dict[str, Any], str]:
    report = directory / case.get("keep_report", "report.json")
    words: list[str | Path] = ["run", "--local", sample.path, "--report", report]
    if "flow" in case:
        words += ["--flow", case["flow"]]
    if "node_args" in case:
        (directory / "arguments.json").write_text(json.dumps(case["node_args"]), encoding="utf-8")
        words += ["--node-args-file", "arguments.json"]
    if "mocks" in case:
        (directory / "mocks.yaml").write_text(json.dumps(case["mocks"]), encoding="utf-8")
        words += ["--mocks", "mocks.yaml"]
    for failure in case.get("fail", ()):
        words += ["--fail", failure]
    ran = selinon(*words, *case.get("arguments", ()), cwd=directory)
    assert ran.returncode == (0 if case["status"] == "success" else 1), ran.stdout + ran.stderr
    assert f"{case['status']} in" in ran.stdout
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found, ran.stderr


def _compare(case: dict[str, Any], report: dict[str, Any], stderr: str, directory: Path) -> None:
    name = case["name"]
    nodes = report["nodes"]
    assert report["status"] == case["status"], name
    assert Counter(node["name"] for node in nodes) == Counter(case["runs"]), name
    assert report["unreached_nodes"] == [], name
    for key, field in (("attempts", "attempts"), ("statuses", "status")):
        for node, expected in case.get(key, {}).items():
            assert {n[field] for n in nodes if n["name"] == node} == {expected}, f"{name}: {key} of {node}"
    for key, field in (("results", "result"), ("node_args_of", "node_args"), ("started_at", "started_at")):
        for node, values in case.get(key, {}).items():
            assert [n[field] for n in nodes if n["name"] == node] == values, f"{name}: {key} of {node}"
    if "virtual_seconds" in case:
        assert report["virtual_seconds"] == case["virtual_seconds"], name
    for pattern, count in case.get("files", {}).items():
        assert len(list(directory.glob(pattern))) == count, f"{name}: {pattern}"
    wanted = list(case.get("stderr", ()))
    for line in stderr.splitlines():
        if wanted and line.startswith(wanted[0]):
            del wanted[0]
    assert wanted == [], f"{name}: not on stderr"
