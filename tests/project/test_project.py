"""The two entrances: what they report, and what they leave out."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from selinon_core.diagnostics import Severity
from selinon_core.project import compile_data, compile_project, compile_text, lint_project

GOOD = "tasks: [{name: A, import: nowhere.at.all}]\nflow-definitions: [{name: f, edges: [{from: , to: A}]}]\n"


def test_a_project_without_mistakes_has_a_plan() -> None:
    project = compile_text({"a.yaml": GOOD})
    assert project.diagnostics == ()
    assert project.ok
    assert project.plan is not None
    assert project.plan.top_level_flows == ("f",)
    assert project.sources == {"a.yaml": GOOD}


def test_compiling_finds_errors_of_rules_and_of_readers_in_all_files() -> None:
    project = compile_text({"b.yaml": GOOD.replace("to: A", "to: B"), "a.yaml": "storages: [{name: S}]\n"})
    assert [(d.code, d.span.file) for d in project.diagnostics] == [("SEL103", "a.yaml"), ("SEL201", "b.yaml")]
    assert project.plan is None


def test_compiling_does_not_look_at_user_code(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("raise SystemExit('imported')\n")
    (tmp_path / "nodes.yaml").write_text(GOOD.replace("nowhere.at.all", "code"))
    project = compile_project([tmp_path])
    assert project.plan is not None
    assert project.diagnostics == ()


def test_select_and_ignore(tmp_path: Path) -> None:
    path = tmp_path / "nodes.yaml"
    path.write_text("tasks: [{name: A, import: m, queu: 1}, {name: 5, import: m}]\nother: 1\n")

    def codes(**options: list[str]) -> set[str]:
        return {d.code for d in lint_project(path, **options).diagnostics if d.code.startswith("SEL1")}

    assert codes() == {"SEL101", "SEL102", "SEL104"}
    assert codes(select=["SEL101"]) == {"SEL101"}
    assert codes(ignore=["SEL101", "SEL104"]) == {"SEL102"}
    assert codes(select=["SEL1"], ignore=["SEL102"]) == {"SEL101", "SEL104"}
    assert lint_project(path, ignore=["SEL"]).plan is None


def test_configuration_as_data() -> None:
    nodes = {"tasks": [{"name": "A", "import": "m"}], "flows": ["f"]}
    flows = {"flow-definitions": [{"name": "f", "edges": [{"from": None, "to": "A"}]}]}
    project = compile_data(nodes, flows)
    assert project.diagnostics == ()
    assert project.plan is not None
    assert list(project.plan.flows) == ["f"]
    broken = compile_data({"tasks": [{"name": object(), "import": ("m",)}]})
    assert {d.code for d in broken.diagnostics} >= {"SEL004", "SEL104"}


def test_data_that_contains_itself() -> None:
    loop: dict[str, object] = {}
    loop["tasks"] = [loop]
    assert "SEL008" in {d.code for d in compile_data(loop).diagnostics}


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_left_as_it_was(tmp_path: Path, enabled: bool) -> None:
    before = gc.isenabled()
    try:
        gc.enable() if enabled else gc.disable()
        (tmp_path / "nodes.yaml").write_text("tasks: [")
        compile_project([tmp_path / "nodes.yaml"])
        with pytest.raises(Exception, match="no such file"):
            compile_project(["nowhere"])
        assert gc.isenabled() is enabled
    finally:
        gc.enable() if before else gc.disable()


def test_reading_twice_gives_the_same() -> None:
    first, second = compile_text({"a": GOOD}), compile_text({"a": GOOD})
    assert first.plan == second.plan


def test_diagnostics_are_sorted_by_place() -> None:
    text = "zzz: 1\ntasks: [{name: 5}, {}]\nyyy: 1\n"
    found = compile_text({"b": text, "a": text}, lint=True).diagnostics
    assert list(found) == sorted(found, key=lambda d: (d.span, d.code, d.message))
    assert {d.severity for d in found} >= {Severity.ERROR, Severity.WARNING}


def test_checking_a_project_imports_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "nodes.yaml").write_text(GOOD)
    script = (
        "import sys; from selinon_core.project import lint_project, compile_project\n"
        f"assert compile_project({str(tmp_path)!r}).plan is not None\n"
        "print(*sys.modules)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    heavy = {"celery", "kombu", "sqlalchemy", "redis", "graphviz", "watchdog", "jsonschema", "typer", "rich"}
    slow = {"dataclasses", "inspect", "logging", "tomllib", "difflib", "asyncio", "importlib.metadata"}
    assert set(run.stdout.split()) & (heavy | slow) == set()
