"""Shell completion offers commands, options, and names from the project."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from selinon_cli.main import run_program
from selinon_cli.registry import SELINON, SELINON_CLI

APP = """
from celery import Celery
from selinon_core.celery import Selinon
from selinon_core.celery.stores.protocol import Commit

app = Celery("shop", broker="memory://", set_as_current=False)
app.conf.selinon_state_url = "memory://"
selinon = Selinon(app, paths=["nodes.yaml", "flows"])
for id in ("3f2a", "3f99", "b1"):
    selinon.store.commit(Commit(id, 0, 1.0, create={"flow": "order", "queue": "celery", "status": "running"}))
"""


@pytest.fixture
def complete(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """What is offered for the last word of a command line."""

    def offered(line: str, program: str = "selinon") -> list[str]:
        registry = SELINON if program == "selinon" else SELINON_CLI
        variable = f"_{program}_COMPLETE".replace("-", "_").upper()
        monkeypatch.setenv(variable, "complete_bash")
        words = line.split(" ")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        capsys.readouterr()
        assert run_program(registry, []) in (0, 1)
        captured = capsys.readouterr()
        monkeypatch.delenv(variable)
        assert captured.err == ""
        return captured.out.split()

    return offered


def test_commands_and_options(complete) -> None:  # type: ignore[no-untyped-def]
    assert complete("selinon li") == ["lint"]
    assert "--format" in complete("selinon lint --f")
    assert complete("selinon lint --format s") == ["sarif"]
    assert complete("selinon-cli ex", "selinon-cli") == ["execute"]


def test_names_of_the_project(shop: Path, complete) -> None:  # type: ignore[no-untyped-def]
    assert complete("selinon run --flow ") == ["order"]
    assert complete("selinon run --fail R") == ["Refund"]
    assert complete("selinon run --select Charge,S") == ["Charge,Ship"]
    assert complete("selinon run --real-storage ") == ["Ledger"]
    assert complete("selinon run nodes.yaml --flow ") == []
    assert complete("selinon run -f flows --flow o") == ["order"]
    assert complete("selinon lint --explain SEL201") == ["SEL201"]
    assert complete("selinon-cli execute -f flows --flow-name ", "selinon-cli") == ["order"]


def test_commands_of_two_words(shop: Path, complete) -> None:  # type: ignore[no-untyped-def]
    assert complete("selinon migr") == ["migrate"]
    assert complete("selinon migrate ch") == ["check"]
    assert complete("selinon migrate ") == ["check", "flows/", "nodes.yaml"]
    assert complete("selinon migrate flows/") == ["flows/order.yaml"]
    assert complete("selinon migrate check --hist") == ["--histories"]


def test_tasks_to_mock(shop: Path, complete) -> None:  # type: ignore[no-untyped-def]
    assert complete("selinon run --mock ") == ["Charge=", "Refund=", "Ship="]


def test_ids_of_flow_runs(shop: Path, complete, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("celery")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "completed_app", raising=False)
    (shop / "completed_app.py").write_text(APP)
    assert complete("selinon status --app completed_app 3") == ["3f2a", "3f99"]
    assert complete("selinon cancel --app completed_app 3f2") == ["3f2a"]
    # No server is started for a completion.
    assert complete("selinon status ") == []
    assert not (shop / ".selinon").exists()


def test_a_broken_project_offers_what_is_left(shop: Path, complete) -> None:  # type: ignore[no-untyped-def]
    flow = shop / "flows" / "order.yaml"
    flow.write_text(flow.read_text().replace("from: Charge", "from: Chrage"))
    assert complete("selinon run --flow ") == ["order"]
    (shop / "nodes.yaml").write_text("tasks: [")
    assert complete("selinon run --fail ") == []


def test_no_project_at_all(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    complete,  # type: ignore[no-untyped-def]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert complete("selinon run --flow ") == []
