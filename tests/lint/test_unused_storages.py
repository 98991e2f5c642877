"""A storage that code asks for by its name is used."""

from __future__ import annotations

from pathlib import Path

import pytest

from selinon_core.project import lint_project

FLOW = """
tasks: [{name: A, import: shop.tasks}]
storages: [{name: Archive, import: selinon_core.storages.memory, classname: InMemoryStorage}]
flow-definitions: [{name: f, edges: [{from: , to: A}]}]
"""
ASKS = 'storage = StoragePool.get_connected_storage("Archive")\n'


def found(root: Path, **modules: str) -> list[tuple[str, str]]:
    (root / "shop").mkdir()
    for name, text in modules.items():
        (root / "shop" / f"{name}.py").write_text(text)
    (root / "f.yaml").write_text(FLOW)
    project = lint_project([root / "f.yaml"], pythonpath=[str(root)])
    return [(d.severity.value, d.note) for d in project.diagnostics if d.code == "SEL903"]


@pytest.mark.parametrize("import_line", ["from shop import archive", "from shop.archive import storage"])
def test_a_module_that_is_imported_asks_for_it(tmp_path: Path, import_line: str) -> None:
    assert found(tmp_path, __init__="", tasks=f"{import_line}\nclass A: ...\n", archive=ASKS) == []


def test_the_module_of_the_task_asks_for_it(tmp_path: Path) -> None:
    assert found(tmp_path, __init__="", tasks=ASKS.replace('"', "'") + "class A: ...\n") == []


def test_no_code_asks_for_it(tmp_path: Path) -> None:
    assert found(tmp_path, __init__="", tasks="class A: ...\n") == [("warning", "never used")]


def test_code_that_cannot_be_read_may_ask_for_it(tmp_path: Path) -> None:
    assert found(tmp_path, __init__="") == [("info", "code that cannot be read here may use it")]
