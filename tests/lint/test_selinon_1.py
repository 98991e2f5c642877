"""What differs from Selinon 1.x concerns projects that were written for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from selinon_core.project import lint_project

FLOW = """
tasks: [{name: A, import: tasks}]
storages: [{name: S, import: %s, classname: InMemoryStorage}]
flow-definitions:
  - name: f
    sampling: {name: constant, args: {retry: 2}}
    edges: [{from: , to: A}, {from: A, to: A, condition: {name: argsEmpty}}]
"""


def found(tmp_path: Path, package: str, code: str, **options: object) -> set[str]:
    (tmp_path / "tasks.py").write_text(f"{code}\nclass A(SelinonTask):\n    def run(self, node_args): ...\n")
    (tmp_path / "f.yaml").write_text(FLOW % f"{package}.storages.memory")
    project = lint_project([tmp_path / "f.yaml"], pythonpath=[str(tmp_path)], **options)  # type: ignore[arg-type]
    return {d.code for d in project.diagnostics if d.code.startswith("SEL91")}


@pytest.mark.parametrize("import_code", [False, True])
@pytest.mark.parametrize(
    "code",
    [
        "from selinon import SelinonTask",
        "import selinon\nSelinonTask = selinon.SelinonTask",
        "from selinon import *",
    ],
)
def test_code_of_selinon_1(tmp_path: Path, code: str, import_code: bool) -> None:
    assert found(tmp_path, "selinon_core", code, import_code=import_code) == {"SEL910", "SEL913"}


def test_files_of_selinon_1(tmp_path: Path) -> None:
    assert found(tmp_path, "selinon", "from selinon_core import SelinonTask") == {"SEL910", "SEL913"}


def test_files_of_the_oldest_versions(tmp_path: Path) -> None:
    assert found(tmp_path, "selinonlib", "from selinon_core import SelinonTask") == {"SEL910", "SEL913"}


def test_other_projects(tmp_path: Path) -> None:
    assert found(tmp_path, "selinon_core", "from selinon_core import SelinonTask") == set()
    assert found(tmp_path, "selinon_core", "from selinon_core import SelinonTask", select=["SEL9"]) == set()


def test_on_request(tmp_path: Path) -> None:
    assert found(tmp_path, "selinon_core", "from selinon_core import SelinonTask", select=["SEL91"]) == {
        "SEL910",
        "SEL913",
    }
