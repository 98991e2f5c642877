"""Modules of a project that are called like modules of libraries, and odd modules in the process."""

from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from selinon_cli.watching.watch_roots import files_imported
from selinon_core.plan import ImportRef
from selinon_core.runtime.error_codec import decode_error
from selinon_core.runtime.imports import Imports
from selinon_core.runtime.library_imports import origin_of

LIKE_LIBRARIES = (
    *("asyncio", "copy", "difflib", "email", "graphviz", "html", "inspect", "jsonschema", "logging", "numbers"),
    *("platform", "random", "referencing", "select", "sqlalchemy", "string", "tempfile", "token", "traceback"),
)
PROJECT = """
tasks:
- {{name: A, import: tasks, storage: S, output_schema: a.json}}
- {{name: B, import: numbers, storage: S}}
storages: [{{name: S, import: {storage}, configuration: {{{configuration}}}}}]
flow-definitions: [{{name: f, edges: [{{from: , to: A}}, {{from: A, to: B}}]}}]
"""
MAIN = "import sys; from selinon_cli.main import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in LIKE_LIBRARIES:
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('a module of the project')")
    (tmp_path / "numbers.py").write_text(
        "from selinon_core import SelinonTask\n"
        "class B(SelinonTask):\n"
        "    async def run(self, node_args):\n"
        "        return self.parent_task_result('A') + 1\n"
    )
    (tmp_path / "tasks.py").write_text(
        "from selinon_core import SelinonTask\nclass A(SelinonTask):\n    def run(self, node_args): return 1\n"
    )
    (tmp_path / "a.json").write_text('{"type": "integer", "multipleOf": 1}')
    return tmp_path


@pytest.mark.parametrize("pool", ["thread", "process"])
@pytest.mark.parametrize("storage", ["mocked", "real"])
def test_libraries_are_found_by_libraries(project: Path, pool: str, storage: str) -> None:
    pytest.importorskip("sqlalchemy")
    text = PROJECT.format(storage="selinon_core.storages.sql", configuration="connection_string: 'sqlite:///r.db'")
    (project / "flow.yaml").write_text(text.replace("name: S,", "name: S, classname: SqlStorage,"))
    words = ["run", "--local", "flow.yaml", "--pool", pool, "--storage", storage, "--graph", "g.mmd"]
    done = subprocess.run(
        [sys.executable, "-P", "-c", MAIN, *words, "--report", "-"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"result": 2' in done.stdout


def test_a_project_gets_its_own_and_gives_the_name_back(project: Path) -> None:
    import numbers

    imports = Imports([str(project)])
    cls = imports.task_class(ImportRef("numbers", "B"))
    assert cls.__name__ == "B"
    assert sys.modules["numbers"] is numbers
    assert imports.load(ImportRef("numbers", "SelinonTask")) is cls.__mro__[1]
    assert sys.modules["numbers"] is numbers


class Lazy(types.ModuleType):
    """Raises whatever one reads of it, as lazy modules do whose library is missing."""

    def __getattribute__(self, name: str) -> Any:
        raise ImportError("not installed")


def odd_modules() -> list[Any]:
    with_text, without = types.ModuleType("a"), types.ModuleType("b")
    with_text.__spec__ = "0.4.0"  # type: ignore[assignment]
    del without.__spec__
    return [with_text, without, Lazy("c"), None, 5, object(), "text"]


@pytest.mark.parametrize("which", range(7))
def test_odd_modules_of_the_process_do_no_harm(
    which: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = odd_modules()[which]
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    for number, directory in enumerate(("one", "two")):
        (tmp_path / directory / "odd_neighbours.py").write_text(f"number = {number}")
    monkeypatch.setitem(sys.modules, "an_odd_module", odd)
    for number, directory in enumerate(("one", "two")):
        imports = Imports([str(tmp_path / directory)])
        assert imports.load(ImportRef("odd_neighbours", "number")) == number
    assert origin_of(odd) is None
    assert files_imported([str(tmp_path / "two")]) == [str(tmp_path / "two" / "odd_neighbours.py")]
    error = decode_error('{"module": "an_odd_module", "type": "Odd", "message": "m", "traceback": ""}')
    assert str(error) == "m"
