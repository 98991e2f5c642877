"""``selinon lint`` and case files: what is found in them, in every format, and what comments silence."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

PROJECT = """
tasks:
  - {name: Fetch, import: tasks}
  - {name: Store, import: tasks}
flow-definitions:
  - name: order
    edges:
      - {from: , to: Fetch}
      - {from: Fetch, to: Store}
"""
TASKS = """
from selinon import SelinonTask
class Fetch(SelinonTask):
    def run(self, node_args): ...
class Store(SelinonTask):
    def run(self, node_args): ...
"""
CASES = """\
flow: order
tests:
  - name: stored
    expect: {ran: [Stroe]}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "nodes.yaml").write_text(PROJECT)
    (tmp_path / "tasks.py").write_text(TASKS)
    (tmp_path / "order.flowtest.yaml").write_text(CASES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_case_files_of_a_directory_are_checked_with_the_project(project: Path, cli: Cli) -> None:
    ran = cli("lint")
    assert ran.code == 1
    assert ran.out.splitlines()[:4] == [
        'order.flowtest.yaml:4:20: error[SEL801]: no task or flow is called "Stroe"',
        "    4 |     expect: {ran: [Stroe]}",
        "      |                    ^^^^^ unknown",
        '      = help: did you mean "Store"?',
    ]


def test_a_project_with_configured_files_has_its_case_files_checked(project: Path, cli: Cli) -> None:
    (project / "pyproject.toml").write_text('[tool.selinon]\nnodes = ["nodes.yaml"]\n')
    (project / "tests").mkdir()
    (project / "order.flowtest.yaml").rename(project / "tests" / "order.flowtest.yaml")
    (project / "other").mkdir()
    (project / "other" / "pyproject.toml").write_text("")
    (project / "other" / "empty.flowtest.yaml").write_text("")
    (project / "tests" / "empty.flowtest.yaml").write_text("")
    ran = cli("lint")
    assert ran.code == 1
    heads = [line for line in ran.out.splitlines() if "SEL8" in line]
    assert heads == [
        "tests/empty.flowtest.yaml:1:1: error[SEL800]: the case file is empty",
        'tests/order.flowtest.yaml:4:20: error[SEL801]: no task or flow is called "Stroe"',
    ]
    assert "SEL801" not in cli("lint", "tests/empty.flowtest.yaml").out


@pytest.mark.parametrize("words", [("nodes.yaml", "order.flowtest.yaml"), ("order.flowtest.yaml",)])
def test_a_case_file_may_be_named(project: Path, cli: Cli, words: tuple[str, ...]) -> None:
    assert "SEL801" in cli("lint", *words).out


def test_a_case_file_that_is_not_named_is_not_checked(project: Path, cli: Cli) -> None:
    assert cli("lint", "nodes.yaml").code == 0


@pytest.mark.parametrize(
    ("old", "new", "code"), [("Stroe", "Store", None), ("expect", "expct", "SEL800"), ("order", "ordre", "SEL801")]
)
def test_an_unsaved_case_file_comes_from_stdin(
    project: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch, old: str, new: str, code: str | None
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CASES.replace(old, new).encode())))
    ran = cli("lint", ".", "-", "--stdin-filename", "order.flowtest.yaml")
    assert ran.code == (0 if code is None else 1)
    assert code is None or code in ran.out


@pytest.mark.parametrize("format", ["json", "sarif", "github"])
def test_machine_formats_have_it_too(project: Path, cli: Cli, format: str) -> None:
    out = cli("lint", "--format", format).out
    assert "SEL801" in out
    assert "order.flowtest.yaml" in out
    if format != "github":
        json.loads(out)


def test_a_comment_silences_and_one_without_effect_is_reported(project: Path, cli: Cli) -> None:
    path = project / "order.flowtest.yaml"
    path.write_text(CASES.replace("[Stroe]}", "[Stroe]}  # selinon: ignore[SEL801] not there yet"))
    assert cli("lint").code == 0
    path.write_text(CASES.replace("[Stroe]}", "[Store]}  # selinon: ignore[SEL801] not there yet"))
    assert "SEL190" in cli("lint").out


def test_a_project_with_errors_leaves_the_shape_to_check(project: Path, cli: Cli) -> None:
    (project / "nodes.yaml").write_text(PROJECT.replace("to: Store", "to: Nowhere"))
    text = CASES.replace("[Stroe]}", "[Stroe]}  # selinon: ignore[SEL801] not there yet").replace("name", "nmae")
    (project / "order.flowtest.yaml").write_text(text)
    out = cli("lint").out
    assert "SEL201" in out
    assert "SEL800" in out
    assert "SEL190" not in out


def test_rules_about_case_files_are_explained(cli: Cli) -> None:
    assert "ambiguous" not in cli("lint", "--explain", "SEL805").err
    assert "use when" not in cli("lint", "--explain", "SEL805").out
    assert "attempts" in cli("lint", "--explain", "SEL805").out


def test_a_broken_case_file_is_no_broken_project(project: Path, cli: Cli) -> None:
    (project / "order.flowtest.yaml").write_text("tests:\n  - name: [\n    tasks: real\n")
    assert "SEL800" in cli("lint").out
    assert cli("run", "--local", "--mock-tasks", "-q").code == 0


def test_the_schema_of_case_files_is_printed(cli: Cli) -> None:
    schema = json.loads(cli("schema", "--tests").out)
    assert schema["$id"] == "urn:selinon:flowtest"
    assert "test_case" in schema["$defs"]


CONFIGURED = """
[tool.selinon]
nodes = ["nodes.yaml"]
flows = ["nodes.yaml", "order.flowtest.yaml"]
"""


@pytest.mark.parametrize(
    ("configuration", "words"),
    [
        ("", ()),
        ("", (".",)),
        ("", ("order.flowtest.yaml",)),
        ("", ("nodes.yaml", "order.flowtest.yaml")),
        (CONFIGURED, ()),
        (CONFIGURED, ("order.flowtest.yaml",)),
        (CONFIGURED.replace(', "order.flowtest.yaml"', ""), ()),
        (CONFIGURED.replace('nodes = ["nodes.yaml"]', ""), ()),
    ],
)
def test_fixes_of_a_case_file_are_made_once(
    project: Path, cli: Cli, configuration: str, words: tuple[str, ...]
) -> None:
    """However the file is found: what a fix makes of it is what is read after that."""
    (project / "pyproject.toml").write_text(configuration)
    assert cli("lint", "--diff", *words).err == "would fix 1 finding in 1 file\n"
    ran = cli("lint", "--fix", *words)
    assert (ran.code, ran.err) == (0, "fixed 1 finding in 1 file\n")
    assert (project / "order.flowtest.yaml").read_text() == CASES.replace("Stroe", "Store")
