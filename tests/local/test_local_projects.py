"""Two projects in one process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selinon_core.local import LocalExecutor, LocalOptions
from selinon_core.project import compile_project
from tests.local.trying import behaviours, build, node, play

YAML = """
tasks: [{name: A, import: tasks_of_two_projects, storage: S}, {name: B, import: package_of_two.inner, storage: S}]
storages: [{name: S, import: tasks_of_two_projects}]
flow-definitions: [{name: f, edges: [{from: , to: [A, B]}]}]
"""


def project(directory: Path, name: str) -> LocalExecutor:
    (directory / "package_of_two").mkdir(parents=True)
    code = (
        f"class A:\n    def __init__(self, **given): pass\n    def run(self, args): return {name!r} + helper()\n"
    )
    (directory / "helper_of_two.py").write_text(f"def helper(): return ' helped by {name}'\n")
    (directory / "tasks_of_two_projects.py").write_text(f"from helper_of_two import helper\n{code}")
    (directory / "package_of_two" / "__init__.py").write_text("")
    (directory / "package_of_two" / "inner.py").write_text(
        f"from helper_of_two import helper\n{code}".replace("class A", "class B")
    )
    (directory / "nodes.yaml").write_text(YAML)
    compiled = compile_project([directory / "nodes.yaml"])
    assert compiled.plan is not None
    return LocalExecutor(compiled.plan, LocalOptions(pythonpath=(str(directory),)))


def results(executor: LocalExecutor) -> list[Any]:
    return [n["result"] or n["error"] for n in executor.run("f").nodes]


def test_modules_of_one_name_belong_to_their_projects(tmp_path: Path) -> None:
    one, two = project(tmp_path / "one", "one"), project(tmp_path / "two", "two")
    assert results(one) == ["one helped by one"] * 2
    assert results(two) == ["two helped by two"] * 2
    assert results(one) == ["one helped by one"] * 2
    again = LocalExecutor(one._plan, LocalOptions(pythonpath=(str(tmp_path / "one"),)))
    assert results(again) == ["one helped by one"] * 2


def test_state_of_one_executor_is_not_seen_by_another() -> None:
    first = build({"f": "-> A"}, {"A": {"throttling": {"hours": 1}}}, {"S": {"classname": "Remembering"}})
    second = build({"f": ["-> A A"]}, {"A": {"max_retry": 1}})
    behaviours.clear()
    behaviours["A"] = lambda task, args: task.storage.name
    runs = [LocalExecutor(plan).run("f") for plan in (first, second, first)]
    assert [run.virtual_seconds for run in runs] == [0.0, 0.0, 0.0]
    assert [len(run.stored("S")) for run in runs] == [1, 2, 1]
    assert node(play(first), "A")["attempts"] == 1
