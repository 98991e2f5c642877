"""What counts as a change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from selinon_cli.watching.file_snapshot import FileScanner, FileSnapshot, WatchRoots, compare
from selinon_cli.watching.watch_roots import watch_roots
from selinon_core.config.yaml.files import named_files

FLOW = "flow-definitions: []\n"


def names(snapshot: FileSnapshot, directory: Path) -> list[str]:
    return sorted(os.path.relpath(path, directory) for path in snapshot.contents)


def write(directory: Path, *paths: str) -> None:
    for path in paths:
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(FLOW if path.endswith(("yaml", "yml")) else "")


def test_yaml_files_modules_and_settings_matter(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", "b/c.yml", "b/d.py", "pyproject.toml", "e.txt", "f.json", "b/g.pyc")
    assert names(FileScanner(WatchRoots((str(tmp_path),))).scan(), tmp_path) == [
        "a.yaml",
        "b/c.yml",
        "b/d.py",
        "pyproject.toml",
    ]


def test_hidden_files_environments_and_caches_do_not_matter(tmp_path: Path) -> None:
    write(tmp_path, ".a.yaml", ".git/b.yaml", "venv/pyvenv.cfg", "venv/lib/c.py", "__pycache__/d.py", "e.py")
    write(tmp_path, "node_modules/f.yaml", "lib/site-packages/g.py")
    snapshot = FileScanner(WatchRoots((str(tmp_path),))).scan()
    assert names(snapshot, tmp_path) == ["e.py"]
    assert not any("venv" in directory or ".git" in directory for directory in snapshot.directories)


def test_lint_and_watch_leave_out_the_same_directories(tmp_path: Path) -> None:
    places = [
        "",
        "flows",
        ".hidden",
        "venv",
        "venv/lib",
        "node_modules/x",
        "lib/site-packages/y",
        "__pycache__",
        "build",
    ]
    write(tmp_path, "venv/pyvenv.cfg", *(f"{place}/a.yaml".lstrip("/") for place in places))
    read = {os.path.relpath(file.path, tmp_path) for file in named_files([str(tmp_path)])}
    assert read == set(names(FileScanner(WatchRoots((str(tmp_path),))).scan(), tmp_path))
    assert read == {"a.yaml", "flows/a.yaml", "build/a.yaml"}


def test_yaml_file_that_is_none_of_ours_does_not_matter_until_it_is(tmp_path: Path) -> None:
    path = tmp_path / "result.yaml"
    scanner = FileScanner(WatchRoots((str(tmp_path),)))
    path.write_text("x: 1\n")
    first = scanner.scan()
    path.write_text("x: 2\n")
    second = scanner.scan()
    assert not compare(first.contents, second.contents)
    path.write_text(FLOW)
    assert compare(second.contents, scanner.scan().contents).added == (str(path),)


def test_yaml_file_that_was_named_always_matters(tmp_path: Path) -> None:
    path = tmp_path / "mocks.yaml"
    path.write_text("x: 1\n")
    scanner = FileScanner(WatchRoots((str(tmp_path),), (), (str(path),)))
    first = scanner.scan()
    path.write_text("x: 2\n")
    assert compare(first.contents, scanner.scan().contents).changed == (str(path),)


def test_utf_16_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(FLOW, encoding="utf-16")
    assert names(FileScanner(WatchRoots((str(tmp_path),))).scan(), tmp_path) == ["a.yaml"]


def test_outputs_do_not_matter(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", "report.yaml")
    report = str(tmp_path / "report.yaml")
    scanner = FileScanner(WatchRoots((str(tmp_path),), (), (report,)), [report])
    assert names(scanner.scan(), tmp_path) == ["a.yaml"]


def test_touching_is_no_change_but_changes_its_stamp(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml")
    scanner = FileScanner(WatchRoots((str(tmp_path),)))
    first = scanner.scan()
    os.utime(tmp_path / "a.yaml", (1, 1))
    second = scanner.scan()
    assert not compare(first.contents, second.contents)
    assert first.stamps != second.stamps


def test_content_is_read_again_while_the_clock_of_the_file_system_stands_still(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("000")
    scanner = FileScanner(WatchRoots((str(tmp_path),)))
    before = scanner.scan()
    for number in range(1, 500):
        with path.open("r+") as file:  # same inode, same size, and most of the time the same time
            file.write(f"{number:03}")
        after = scanner.scan()
        assert compare(before.contents, after.contents).changed, number
        before = after


def test_directory_without_depth(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "below/b.py")
    snapshot = FileScanner(WatchRoots((), (str(tmp_path),))).scan()
    assert names(snapshot, tmp_path) == ["a.py"]
    assert snapshot.directories == (str(tmp_path),)


def test_changes_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = str(tmp_path)
    before = {f"{path}/a.yaml": b"1", f"{path}/b.yaml": b"1"}
    after = {f"{path}/a.yaml": b"2", **{f"{path}/c{n}.yaml": b"1" for n in range(7)}}
    assert compare(before, after).text() == (
        "added c0.yaml, c1.yaml, c2.yaml, c3.yaml, c4.yaml and 2 more; changed a.yaml; removed b.yaml"
    )


def test_watch_roots_of_a_project_with_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop" / "src").mkdir(parents=True)
    (tmp_path / "shop" / "pyproject.toml").write_text('[tool.selinon]\npythonpath = ["src", "missing"]\n')
    write(tmp_path, "shop/flows/a.yaml", "shop/nodes.yaml", "elsewhere/x.py", "beside.py", "shop/src/tasks.py")
    scanner = FileScanner(watch_roots(["shop/flows"]))
    # The working directory is on the path of modules, but what is below it is none of the project's business.
    assert names(scanner.scan(), tmp_path) == [
        "beside.py",
        "shop/flows/a.yaml",
        "shop/nodes.yaml",
        "shop/pyproject.toml",
        "shop/src/tasks.py",
    ]


def test_watch_roots_of_a_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "a/flow.yaml", "a/nodes.yaml", "a/tasks.py", "a/other/b.yaml", "a/other/c.py")
    assert names(FileScanner(watch_roots(["a/flow.yaml"])).scan(), tmp_path) == [
        "a/flow.yaml",
        "a/nodes.yaml",
        "a/tasks.py",
    ]


def test_watch_roots_of_a_directory_without_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    scanner = FileScanner(watch_roots([str(tmp_path)]))
    assert not scanner.scan().contents
    write(tmp_path, "new/flows.yaml")
    assert "new/flows.yaml" in names(scanner.scan(), tmp_path)
