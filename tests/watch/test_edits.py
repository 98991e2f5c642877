"""Whatever happens to the files: what is shown in the end is the result of what they hold in the end."""

from __future__ import annotations

import contextlib
import os
import py_compile
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.example_counts import examples
from tests.watch.watcher import FLOW, NODES, WORK, selinon, watching, write_project

EDITS = examples(40, 100)
BROKEN = "flow-definitions: [\n  name: {"


class Editor:
    """A user at the keyboard: edits at random, from a seed."""

    def __init__(self, directory: Path, seed: int) -> None:
        self._directory = directory
        self._random = random.Random(seed)
        self._number = 0
        self._before: list[tuple[Path, str]] = []

    def edit(self) -> None:
        """Do one of the things people and editors do to files."""
        self._number += 1
        edits: list[Callable[[Path, str], None]] = [
            self._write,
            self._write,
            self._save_by_rename,
            self._save_by_rename,
            self._save_with_backup,
            self._in_pieces,
            self._delete,
            self._rename,
            self._break,
            self._touch,
            self._take_back,
            self._move_directory,
            self._remove_directory,
            self._no_yaml_of_ours,
        ]
        path, content = self._some_file()
        self._random.choice(edits)(path, content)

    def repair(self) -> None:
        """Leave a project that can be run, and that differs from all before."""
        shutil.rmtree(self._directory / "flows", ignore_errors=True)
        for path in self._directory.rglob("*.yaml"):
            path.unlink()
        (self._directory / "flows").mkdir()
        self._save_by_rename(self._directory / "flows" / "last.yaml", FLOW.format(name="last", node="Work"))
        self._write(self._directory / "nodes.yaml", NODES)
        self._write(self._directory / "work.py", WORK.format(version="last"))

    def _some_file(self) -> tuple[Path, str]:
        number = self._number
        kind = self._random.choice(["flow", "flow", "flow", "code", "code", "nodes", "new", "deep"])
        if kind == "code":
            # Of equal size, and often within the same second: Python's own cache would not notice.
            return self._directory / "work.py", WORK.format(version=f"{number:03}")
        if kind == "nodes":
            return self._directory / "nodes.yaml", NODES + f"    max_retry: {number % 3}\n    retry_countdown: 1\n"
        node = self._random.choice(["Work", "Work", f"Wrok{number}"])
        name = {"flow": "first", "new": f"extra{number % 4}", "deep": "deep"}[kind]
        directory = self._directory / "flows" / ("below/further" if kind == "deep" else "")
        # Several flows may end up with one name, or there may be none of the top: all of it is something to tell.
        flow = FLOW.format(name=self._random.choice([name, f"{name}_{number}"]), node=node)
        return directory / f"{name}.yaml", flow

    def _write(self, path: Path, content: str) -> None:
        with contextlib.suppress(FileExistsError):
            path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            self._before.append((path, path.read_text()))
        path.write_text(content)

    def _save_by_rename(self, path: Path, content: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{self._number}.tmp")
        temporary.write_text(content)
        os.replace(temporary, path)

    def _save_with_backup(self, path: Path, content: str) -> None:
        if path.exists():
            os.replace(path, path.with_name(path.name + "~"))
        self._write(path, content)

    def _in_pieces(self, path: Path, content: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as file:
            for start in range(0, len(content), 20):
                file.write(content[start : start + 20])
                file.flush()

    def _delete(self, path: Path, content: str) -> None:
        path.unlink(missing_ok=True)

    def _rename(self, path: Path, content: str) -> None:
        if path.exists():
            os.replace(path, path.with_name(self._random.choice(["renamed.yaml", "renamed.txt", "first.yaml"])))

    def _break(self, path: Path, content: str) -> None:
        self._write(path, BROKEN if path.suffix == ".yaml" else "def broken(:\n")

    def _touch(self, path: Path, content: str) -> None:
        if path.exists():
            os.utime(path)

    def _take_back(self, path: Path, content: str) -> None:
        if self._before:
            self._write(*self._before.pop())

    def _move_directory(self, path: Path, content: str) -> None:
        flows = self._directory / "flows"
        if flows.exists():
            shutil.rmtree(self._directory / "moved", ignore_errors=True)
            os.replace(flows, self._directory / "moved")
        if self._random.random() < 0.8:
            # Another directory takes the name at once.
            self._write(flows / "first.yaml", FLOW.format(name="first", node="Work"))

    def _remove_directory(self, path: Path, content: str) -> None:
        shutil.rmtree(self._directory / self._random.choice(["moved", "flows/below", "flows"]), ignore_errors=True)

    def _no_yaml_of_ours(self, path: Path, content: str) -> None:
        self._write(self._directory / "compose.yaml", f"services: {{number: {self._number}}}\n")


def expected(directory: Path, *, run: bool) -> str:
    """What the commands say about what is there now."""
    found = selinon(directory, "lint")
    return found + (selinon(directory, "run", "--local") if run and not found.count("error[") else "")


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("run", [False, True], ids=["lint", "run"])
def test_random_edits_end_with_the_result_of_the_last_content(tmp_path: Path, seed: int, run: bool) -> None:
    write_project(tmp_path)
    editor = Editor(tmp_path, seed)
    pace = random.Random(seed)
    with watching(tmp_path, *(["--run"] if run else [])) as watcher:
        watcher.says("no problems in 2 files")
        for number in range(EDITS):
            editor.edit()
            # Sometimes in the middle of a rebuild, sometimes many in one go, sometimes behind it.
            time.sleep(pace.choice([0, 0, 0.01, 0.05, 0.1, 0.3 if number % 10 == 0 else 0]))

        wanted = expected(tmp_path, run=run)
        watcher.until(lambda: watcher.out.endswith(wanted))

        editor.repair()
        wanted = expected(tmp_path, run=run)
        assert "no problems in 2 files (1 flow, 1 task)" in wanted
        assert not run or "version last" in wanted
        watcher.until(lambda: watcher.out.endswith(wanted))
        assert watcher.end() == 130
    assert "Traceback" not in watcher.err
    assert "bug" not in watcher.err


def test_edit_that_is_taken_back_while_a_rebuild_reads_it_is_not_what_is_shown(tmp_path: Path) -> None:
    # The rebuild starts with version 1, reads version 2, and then the file holds version 1 again: from one scan to
    # the next nothing has changed.
    write_project(tmp_path)
    code = tmp_path / "code.py"
    code.write_text("VERSION = 1\n")
    (tmp_path / "work.py").write_text(
        f"""
import pathlib, time
here = pathlib.Path({str(tmp_path)!r})
if not (here / "begun").exists():
    (here / "begun").touch()
    while not (here / "go").exists():
        time.sleep(0.001)
import code_of_the_test as code
if code.VERSION == 2:
    (here / "read").touch()
{WORK.replace('"version {version}"', 'f"version {code.VERSION}"')}"""
    )
    code = code.rename(tmp_path / "code_of_the_test.py")
    for name, version in (("one", 1), ("two", 2)):
        (tmp_path / name).write_text(f"VERSION = {version}\n")

    with watching(tmp_path, "--run") as watcher, _restlessness(tmp_path):
        watcher.until((tmp_path / "begun").exists)
        os.replace(tmp_path / "two", code)
        (tmp_path / "go").touch()
        watcher.until(lambda: (tmp_path / "read").exists() or "version" in watcher.out)
        os.replace(tmp_path / "one", code)
        watcher.until(
            lambda: watcher.out.rfind("RuntimeError: version 1") > watcher.out.rfind("RuntimeError: version 2")
        )
        assert watcher.end() == 130


@contextlib.contextmanager
def _restlessness(directory: Path) -> Iterator[None]:
    """Something happens all the time, so that looks are far apart."""
    over = threading.Event()

    def write() -> None:
        while not over.wait(0.005):
            (directory / "noise.txt").write_text("")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_code_is_reloaded_when_python_would_take_its_bytecode_for_current(tmp_path: Path) -> None:
    write_project(tmp_path)
    work = tmp_path / "work.py"
    work.write_text(WORK.format(version="one"))
    py_compile.compile(str(work))
    times = work.stat()
    with watching(tmp_path, "--run") as watcher:
        watcher.says("version one")
        (tmp_path / "new").write_text(WORK.format(version="two"))
        os.utime(tmp_path / "new", ns=(times.st_atime_ns, times.st_mtime_ns))
        os.replace(tmp_path / "new", work)
        # Not the line of source in the traceback: that comes from the file whatever has been run.
        watcher.says("changed work.py", "RuntimeError: version two")
        assert watcher.end() == 130
