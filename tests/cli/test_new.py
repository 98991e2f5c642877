"""``selinon new``: what it writes, and when it refuses to. That it works is tested in tests/packaging."""

from __future__ import annotations

import importlib.metadata
import json
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from selinon_cli.commands.new import FILES, SCHEMA
from selinon_cli.requirement import requirement
from selinon_core.version import __version__
from tests.cli.conftest import Cli

TEMPLATE = Path(__file__).parents[2] / "selinon_cli" / "template"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def files_in(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


def test_writes_a_project_that_lints_clean_and_runs(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = cli("new", "shop")
    assert ran.code == 0
    assert ran.out == ""
    assert "cd shop\n  selinon run --local\n" in ran.err
    assert files_in(tmp_path / "shop") == {*FILES, SCHEMA}
    monkeypatch.chdir(tmp_path / "shop")
    assert cli("lint", "--strict").out == "no problems in 2 files (1 flow, 4 tasks)\n"
    assert cli("migrate", "check", "--help").code == 0


def test_the_tasks_that_it_writes_are_typed(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("new", "shop")
    monkeypatch.chdir(tmp_path / "shop")
    flow = Path("flows/order.yaml")
    flow.write_text(flow.read_text().replace("number: ${args.number}", "number: ${text(args.number)}"))
    linted = cli("lint")
    assert linted.code == 1
    assert 'the argument "number" of "LoadOrder" is a text, not an integer' in linted.out


def test_it_is_said_when_typed_tasks_cannot_run_here(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "extra typed" not in cli("new", "shop").err
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "its tasks are typed, which needs the extra typed here" in cli("new", "other").err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "order: success in 0 s virtual"),
        (["-a", "number=2"], "Charge in flow order: the condition was false"),
        (["-a", "number=3"], "Charge -> Apologise in flow order"),
        (["--fail", "Charge:1"], "order: success in 30 s virtual"),
    ],
)
def test_what_the_readme_says_to_try(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str
) -> None:
    cli("new", "shop")
    monkeypatch.chdir(tmp_path / "shop")
    ran = cli("run", "--local", *words)
    assert ran.code == 0
    assert told in ran.out


def test_names_and_versions_are_filled_in(cli: Cli, tmp_path: Path) -> None:
    cli("new", "deep/My-Shop.2")
    project = tmp_path / "deep" / "My-Shop.2"
    settings = tomllib.loads((project / "pyproject.toml").read_text())
    assert settings["project"]["name"] == "My-Shop.2"
    assert settings["project"]["dependencies"] == [requirement("celery,typed")]
    assert settings["project"]["optional-dependencies"]["dev"][0] == requirement("dev")
    assert 'Celery(\n    "My-Shop.2",' in (project / "app.py").read_text()
    (repository,) = yaml.safe_load((project / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["hooks"][0]["additional_dependencies"] == [requirement()]
    for path in files_in(project):
        content = (project / path).read_text()
        assert "@NAME@" not in content
        assert "@SELINON" not in content


@pytest.mark.parametrize(
    ("direct_url", "expected"),
    [
        (None, f"selinon[dev]>={__version__},<3"),
        (
            {"url": "file:///home/ada/selinon", "dir_info": {"editable": True}},
            "selinon[dev] @ file:///home/ada/selinon",
        ),
        (
            {"url": "file:///tmp/selinon-2.0.0-py3-none-any.whl", "archive_info": {}},
            "selinon[dev] @ file:///tmp/selinon-2.0.0-py3-none-any.whl",
        ),
        (
            {"url": "https://git.example/s.git", "vcs_info": {"vcs": "git", "commit_id": "a1b2"}},
            "selinon[dev] @ git+https://git.example/s.git@a1b2",
        ),
        (
            {
                "url": "https://git.example/s.git",
                "vcs_info": {"vcs": "git", "commit_id": "a1b2", "requested_revision": "v2"},
                "subdirectory": "python",
            },
            "selinon[dev] @ git+https://git.example/s.git@v2#subdirectory=python",
        ),
    ],
)
def test_what_is_written_can_be_installed(
    monkeypatch: pytest.MonkeyPatch, direct_url: dict[str, Any] | None, expected: str
) -> None:
    text = None if direct_url is None else json.dumps(direct_url)
    monkeypatch.setattr(
        importlib.metadata, "distribution", lambda name: SimpleNamespace(read_text=lambda file: text)
    )
    assert requirement("dev") == expected


def test_selinon_that_is_run_from_its_sources_is_named_by_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    assert requirement() == f"selinon @ {TEMPLATE.parents[1].resolve().as_uri()}"


def test_a_place_on_this_machine_is_said(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selinon_cli.requirement.source_url", lambda: "file:///home/ada/selinon")
    assert "it depends on selinon at file:///home/ada/selinon: on other machines" in cli("new", "shop").err
    monkeypatch.setattr("selinon_cli.requirement.source_url", lambda: None)
    assert "depends on" not in cli("new", "other").err


def test_every_template_is_used() -> None:
    assert {path.name for path in TEMPLATE.iterdir() if path.is_file()} == set(FILES.values())


def test_this_directory(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "shop")
    ran = cli("new", ".")
    assert ran.code == 0
    assert "cd " not in ran.err
    assert 'name = "shop"' in (tmp_path / "shop" / "pyproject.toml").read_text()


def test_overwrites_nothing(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "notes.txt").write_text("mine")
    ran = cli("new", "shop")
    assert ran.code == 2
    assert "shop is not empty: notes.txt" in ran.err
    assert files_in(tmp_path / "shop") == {"notes.txt"}


def test_overwrites_no_hidden_file(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / ".gitignore").write_text("mine")
    assert cli("new", "shop").code == 2
    assert (tmp_path / "shop" / ".gitignore").read_text() == "mine"


@pytest.mark.parametrize("name", ["", "a b", "shöp", "-x", "a'b", "..."])
def test_names_that_no_project_can_have(cli: Cli, tmp_path: Path, name: str) -> None:
    ran = cli("new", "--", name)
    assert ran.code == 2
    assert "cannot be the name of a project" in ran.err
    assert not files_in(tmp_path)


def test_wrong_use(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "nowhere").symlink_to("missing")
    assert "Missing argument" in cli("new").err
    assert "file is not a directory" in cli("new", "file").err
    assert "nowhere is not a directory" in cli("new", "nowhere").err
    assert cli("new", "file/below").code == 2
    assert cli("new", "a", "b").code == 2


def test_without_the_extra_that_it_needs_no_task_fails_by_itself(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("new", "shop").code == 0
    monkeypatch.chdir(tmp_path / "shop")
    monkeypatch.setitem(sys.modules, "msgspec", None)
    told = "typed_tasks needs: pip install 'selinon[typed]'"
    for words in (["run", "--local"], ["simulate", "--tasks", "real", "--seeds", "2"]):
        ran = cli(*words)
        assert (ran.code, ran.out, ran.err) == (2, "", f"error: {told}\n"), words
    ran = cli("test")
    assert ran.code == 1
    broken = [line for line in ran.out.splitlines() if "..." in line]
    assert len(broken) == 1
    assert "ERROR" in broken[0]
    assert ran.out.count(told) == 1
    assert cli("run", "--local", "--mock-tasks").code == 0
