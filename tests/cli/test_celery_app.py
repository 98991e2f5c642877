"""The app that commands about workers use: without ``--app`` that of the project, on the embedded server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = [
    ["run"],
    ["run", "--detach"],
    ["worker"],
    ["runs"],
    ["status"],
    ["status", "a1"],
    ["cancel", "a1"],
    ["retry", "a1"],
    ["schedules"],
    ["schedules", "pause", "nightly"],
]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("celery")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])


@pytest.mark.parametrize("words", [["lint"], ["run", "--local"], ["graph"], ["inspect"], *COMMANDS], ids=" ".join)
def test_a_directory_without_a_project_stays_empty_and_the_way_out_is_named(
    cli: Cli, tmp_path: Path, words: list[str]
) -> None:
    ran = cli(*words)
    assert ran.code == 2
    assert ran.err == "error: no YAML files in .\n  selinon new DIR writes a small project to begin with\n"
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_server_is_started_for_a_project_with_errors(cli: Cli, tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "flows.yaml").write_text(
        "flow-definitions:\n  - name: order\n    edges:\n      - {from: , to: Ship}\n"
    )
    ran = cli(*words)
    assert ran.code == 1
    assert 'flows.yaml:4:22: error[SEL201]: unknown node "Ship"\n    4 |       - {from: , to: Ship}\n' in ran.err
    assert os.listdir(tmp_path) == ["flows.yaml"]


def test_the_importable_app_starts_no_server_without_a_project(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", "import selinon_core.celery.default_app"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert ran.stderr.endswith("NoFilesError: no YAML files in .\n")
    assert os.listdir(tmp_path) == []


def test_the_app_gets_its_project_as_arguments(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two commands in one process, each about a project of its own."""
    monkeypatch.setenv("SELINON_BROKER_URL", "memory://")
    monkeypatch.setenv("SELINON_STATE_URL", "memory://")
    for name in ("first", "second"):
        (tmp_path / f"{name}.yaml").write_text(
            f"tasks: [{{name: Work, import: work}}]\n"
            f"flow-definitions: [{{name: {name}, edges: [{{from: , to: Work}}]}}]\n"
        )
        before = dict(os.environ)
        assert cli("run", "--detach", "--flow", name, f"{name}.yaml").code == 0
        assert dict(os.environ) == before
