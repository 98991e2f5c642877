"""Which files make up a project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from selinon_core.config.yaml.files import PathError, named_files
from selinon_core.project import Project, lint_project
from selinon_core.project import compile_project as compile_paths

TASKS = "tasks: [{name: A, import: m}]\n"
FLOWS = "flow-definitions: [{name: f, edges: [{from: , to: A}]}]\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with its files below ``conf``; the working directory."""
    files = {
        "pyproject.toml": "",
        "conf/nodes.yaml": TASKS,
        "conf/flows/b.yml": FLOWS,
        "conf/flows/a.yaml": "flow-definitions: [{name: g, edges: [{from: , to: A}]}]\n",
        "conf/flows/.hidden.yaml": "flow-definitions: [{name: hidden}]\n",
        "conf/.git/x.yaml": "tasks: 5\n",
        "conf/notes.txt": "no yaml",
        "conf/chart.yaml": "a: {{ template }}\n",
        "conf/compose.yaml": "services: {}\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(project: Project) -> list[str]:
    return [Path(name).as_posix() for name in project.files]


def test_a_directory_is_searched_and_what_is_not_ours_is_passed_over(root: Path) -> None:
    project = compile_paths(["conf"])
    assert names(project) == ["conf/nodes.yaml", "conf/flows/a.yaml", "conf/flows/b.yml"]
    assert project.diagnostics == ()
    assert project.plan is not None
    assert list(project.plan.flows) == ["g", "f"]


def test_without_paths_it_is_the_working_directory(root: Path) -> None:
    assert names(compile_paths()) == ["conf/nodes.yaml", "conf/flows/a.yaml", "conf/flows/b.yml"]


def test_nodes_are_looked_for_beside_and_above(root: Path) -> None:
    assert names(compile_paths("conf/flows/b.yml")) == ["conf/nodes.yaml", "conf/flows/b.yml"]
    assert names(compile_paths(["conf/flows"])) == ["conf/nodes.yaml", "conf/flows/a.yaml", "conf/flows/b.yml"]


def test_the_search_for_nodes_ends_at_the_root_of_the_project(root: Path) -> None:
    (root / "conf" / "flows" / "pyproject.toml").write_text("")
    project = compile_paths(["conf/flows/b.yml"])
    assert names(project) == ["conf/flows/b.yml"]
    assert [d.code for d in project.diagnostics] == ["SEL201"]


def test_files_that_declare_tasks_need_no_other(root: Path) -> None:
    (root / "conf" / "flows" / "all.yaml").write_text(TASKS + FLOWS)
    assert names(compile_paths(["conf/flows/all.yaml"])) == ["conf/flows/all.yaml"]


def test_each_file_is_read_once(root: Path) -> None:
    (root / "link.yaml").symlink_to(root / "conf" / "nodes.yaml")
    project = compile_paths(["conf/nodes.yaml", "conf", "link.yaml", root / "conf" / "flows" / "a.yaml"])
    assert names(project) == ["conf/nodes.yaml", "conf/flows/a.yaml", "conf/flows/b.yml"]


def test_linked_directories_are_searched_where_a_directory_is_named(root: Path) -> None:
    shared = root / "shared"
    shared.mkdir()
    (shared / "c.yaml").write_text("flow-definitions: []\n")
    (root / "conf" / "shared").symlink_to(shared)
    (root / "conf" / "again").symlink_to(shared)
    (shared / "back").symlink_to(root / "conf")
    (shared / "gone").symlink_to(root / "nowhere")
    assert "conf/again/c.yaml" in names(compile_paths(["conf"]))
    assert len([name for name in names(compile_paths(["conf"])) if name.endswith("c.yaml")]) == 1
    (root / "link").symlink_to(shared)
    assert [file.name for file in named_files(["."], follow_links=False) if "c.yaml" in file.name] == [
        "shared/c.yaml"
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_not_waited_for(root: Path) -> None:
    os.mkfifo(root / "conf" / "pipe.yaml")
    assert names(compile_paths(["conf"])) == ["conf/nodes.yaml", "conf/flows/a.yaml", "conf/flows/b.yml"]
    [found] = [d for d in compile_paths(["conf/nodes.yaml", "conf/pipe.yaml"]).diagnostics if d.code == "SEL002"]
    assert "named pipe" in found.message


def test_a_named_file_of_another_kind_is_an_error_even_when_found_as_well(root: Path) -> None:
    for paths in (["conf/compose.yaml"], ["conf", "conf/compose.yaml"]):
        codes = {d.code for d in compile_paths(paths).diagnostics if d.span.file.endswith("compose.yaml")}
        assert codes == {"SEL100", "SEL102"} or codes == {"SEL100"}


def test_a_broken_file_that_was_found_is_ours_when_it_has_our_keys(root: Path) -> None:
    (root / "conf" / "broken.yaml").write_text("tasks:\n- {name: A\n")
    project = compile_paths(["conf"])
    assert [(d.code, Path(d.span.file).as_posix()) for d in project.diagnostics] == [
        ("SEL001", "conf/broken.yaml")
    ]
    assert project.plan is None


@pytest.mark.parametrize("path", ["nowhere.yaml", "conf/nowhere", "conf/.git/nothing"])
def test_paths_that_do_not_exist(root: Path, path: str) -> None:
    with pytest.raises(PathError, match=path):
        compile_paths([path])


def test_directories_without_yaml(root: Path) -> None:
    (root / "empty").mkdir()
    with pytest.raises(PathError, match="no YAML files in empty"):
        named_files(["empty"])
    (root / "empty" / "other.yaml").write_text("services: {}\n")
    with pytest.raises(PathError, match=r"other\.yaml"):
        compile_paths(["empty"])


def test_unreadable_files_are_diagnostics(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: str) -> bytes:
        if path.endswith("b.yml"):
            raise PermissionError(13, "Permission denied")
        return Path(path).read_bytes()

    monkeypatch.setattr("selinon_core.project.reading.read_bytes", read)
    project = compile_paths(["conf"])
    assert [(d.code, d.message) for d in project.diagnostics] == [
        ("SEL002", "the file cannot be read: Permission denied")
    ]
    assert project.model.incomplete
    assert project.plan is None


def test_files_that_are_no_yaml_at_all(root: Path) -> None:
    (root / "image.yaml").write_bytes(bytes(range(256)))
    assert "SEL002" in {d.code for d in compile_paths(["image.yaml"]).diagnostics}


def test_endless_files_are_diagnostics(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selinon_core.config.yaml.files.LARGEST_FILE", 10)
    project = compile_paths(["conf/nodes.yaml"])
    assert [d.code for d in project.diagnostics] == ["SEL002"]
    assert "larger" in project.diagnostics[0].message


def test_standard_input_under_a_name(root: Path) -> None:
    project = lint_project(stdin=("conf/flows/new.yaml", FLOWS.encode()))
    assert names(project) == ["conf/nodes.yaml", "conf/flows/new.yaml"]
    assert project.sources["conf/flows/new.yaml"] == FLOWS


def test_standard_input_replaces_the_file_of_its_name(root: Path) -> None:
    text = FLOWS.replace("to: A", "to: Nobody")
    project = lint_project(["conf"], stdin=("conf/flows/b.yml", text.encode()))
    assert [d.span.file for d in project.diagnostics if d.code == "SEL201"] == ["conf/flows/b.yml"]


def test_names_are_relative_only_below_the_working_directory(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root / "conf")
    assert names(compile_paths([root / "conf" / "nodes.yaml"])) == ["nodes.yaml"]
    monkeypatch.chdir(root / "conf" / "flows")
    assert names(compile_paths(["../nodes.yaml"])) == ["../nodes.yaml"]
    assert names(compile_paths([root / "conf" / "nodes.yaml"])) == [(root / "conf" / "nodes.yaml").as_posix()]
