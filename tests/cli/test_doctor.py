"""`selinon doctor` on the command line: text, JSON, exit codes, apps that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from selinon_cli.commands.doctor import _line
from selinon_core.celery.doctor import Finding
from tests.cli.conftest import Cli

APP = """
from celery import Celery
from selinon_core.celery import Selinon

app = Celery("shop", broker="memory://", set_as_current=False)
app.conf.selinon_state_url = "memory://"
selinon = Selinon(app, paths=["nodes.yaml"])
"""


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "nodes.yaml").write_text(
        "tasks: [{name: Ship, import: tasks}]\nflow-definitions: [{name: order, edges: [{from: , to: Ship}]}]\n"
    )
    name = f"doctored_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def test_each_finding_is_a_line_with_its_remedy(cli: Cli, app: str) -> None:
    ran = cli("doctor", "--app", app)
    assert ran.code == 1
    assert "ok       settings: none of them loses flow runs\n" in ran.out
    assert (
        "failed   workers: no live worker serves a queue of this project (celery)\n         start one:" in ran.out
    )
    assert "1 failed" in ran.err


def test_the_findings_as_json(cli: Cli, app: str) -> None:
    ran = cli("doctor", "--app", app, "--format", "json")
    found = json.loads(ran.out)
    assert (ran.code, found["version"], found["ok"]) == (1, 1, False)
    assert found["checks"][-1] == {
        "check": "workers",
        "status": "failed",
        "message": "no live worker serves a queue of this project (celery)",
        "remedy": "start one: selinon worker",
    }


def test_files_with_errors_are_a_failed_check(cli: Cli, app: str) -> None:
    Path("nodes.yaml").write_text("tasks: [{name: Ship}]\n")
    ran = cli("doctor", "--app", app)
    assert ran.code == 1
    assert ran.out.startswith("failed   app: the project has errors: nodes.yaml:1: SEL1")


def test_an_app_that_cannot_be_imported_is_a_failed_check(cli: Cli, app: str) -> None:
    ran = cli("doctor", "--app", "no_such_module", "--format", "json")
    (found,) = json.loads(ran.out)["checks"]
    assert (ran.code, found["check"], found["status"]) == (1, "app", "failed")
    assert "no_such_module" in found["message"]


def test_what_servers_say_is_text_on_the_terminal() -> None:
    assert _line(Finding("broker", "failed", "\x1b[31mred", "do"), False) == (
        "failed   broker: \N{REPLACEMENT CHARACTER}[31mred\n         do\n"
    )
