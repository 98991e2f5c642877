"""Runs of flows whose conditions and foreach are texts of the expression language."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from selinon_core.local import LocalExecutor, LocalOptions, LocalRun
from selinon_core.plan import Plan
from selinon_core.project import compile_project

TASKS = """
from selinon_core.task import SelinonTask

class Load(SelinonTask):
    def run(self, node_args):
        return (node_args or {}).get("load", {"total": 5, "lines": [{"n": 1}, {"n": 2}], "name": "a"})

class Check(SelinonTask):
    def run(self, node_args):
        return {"ok": True, "given": node_args}

class Ship(Check):
    pass

class Fail(SelinonTask):
    def run(self, node_args):
        raise ValueError("no")
"""
HEAD = """
tasks:
  - {name: Load, import: expressed_tasks, storage: S}
  - {name: Check, import: expressed_tasks, storage: S}
  - {name: Ship, import: expressed_tasks, storage: S}
  - {name: Fail, import: expressed_tasks}
storages: [{name: S, import: selinon_core.storages.memory, classname: InMemoryStorage}]
flow-definitions:
  - name: sub
    edges: [{from: , to: Check}]
  - name: main
    edges:
"""


def plan_of(directory: Path, *lines: str) -> Plan:
    (directory / "expressed_tasks.py").write_text(TASKS)
    path = directory / "flow.yaml"
    path.write_text(HEAD + "".join(f"      - {line}\n" for line in lines))
    # Without the rules about expressions: they find what some of these runs fail of.
    with patch("selinon_core.lint.registry.rules_of_expressions", lambda: ()):
        plan = compile_project([str(path)]).plan
    assert plan is not None
    return plan


def run(directory: Path, *lines: str, args: Any = None) -> LocalRun:
    plan = plan_of(directory, *lines)
    return LocalExecutor(plan, LocalOptions(pythonpath=(str(directory),))).run("main", args)


def ran(found: LocalRun, name: str) -> list[Any]:
    """The arguments of the runs of a node."""
    return [record.run.args for record in found.facts.nodes if record.run.name == name]


@pytest.mark.parametrize(
    ("condition", "fires"),
    [
        ("Load.total > 3", True),
        ("Load.total > 5", False),
        ("not Load.total > 5 and Load.name == 'a'", True),
        ("Load.total == 5.0", True),
        ("Load.lines[0].n == Load.lines[-1].n - 1", True),
        ("any(line.n > 1 for line in Load.lines)", True),
        ("has(Load.other)", False),
        ("default(Load.other, true)", True),
        ("args.limit > Load.total", True),
        ("args == null", False),
        ("flow.name == 'main'", True),
        ("true", True),
        ("{or: [Load.total > 5, {name: fieldExist, args: {key: name}}]}", True),
        ("{and: [Load.total > 5, {name: nowhere}]}", False),
    ],
)
def test_a_condition_fires_or_not(tmp_path: Path, condition: str, fires: bool) -> None:
    if "nowhere" in condition:
        condition = condition.replace("nowhere", "alwaysTrue")
    text = condition if condition.startswith("{") else f'"{condition}"'
    if condition == "true":
        text = condition
    found = run(tmp_path, "{from: , to: Load}", f"{{from: Load, to: Ship, condition: {text}}}", args={"limit": 9})
    assert found.status == "success"
    assert bool(ran(found, "Ship")) is fires


def test_a_node_that_is_no_source_is_the_nearest_run_above(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        "{from: , to: Load}",
        "{from: Load, to: Check}",
        "{from: Check, to: Ship, condition: Load.total == 5 and Check.ok}",
    )
    assert len(ran(found, "Ship")) == 1


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("Load.total", "is a number, not a boolean"),
        ("Load.none", "none"),
        ("Load.total > Load.name", "have an order"),
        ("Ship.ok", "no run of Ship led here"),
        ("vars.limit > 3", "vars.limit"),
        ("env.NOT_LISTED == ''", "env.NOT_LISTED"),
    ],
)
def test_what_cannot_be_decided_fails_the_run(tmp_path: Path, condition: str, reason: str) -> None:
    found = run(tmp_path, "{from: , to: Load}", f'{{from: Load, to: Ship, condition: "{condition}"}}')
    assert found.status == "failure"
    assert found.error is not None
    assert reason in found.error
    assert "flow.yaml:14:44" in found.error


def test_a_flow_has_no_value(tmp_path: Path) -> None:
    found = run(tmp_path, "{from: , to: sub}", "{from: sub, to: Ship, condition: sub.ok}")
    assert found.status == "failure"
    assert "flow sub declares no output" in str(found.error)


@pytest.mark.parametrize(
    ("foreach", "items"),
    [
        ("Load.lines", [{"n": 1}, {"n": 2}]),
        ("{in: Load.lines, as: line}", [{"n": 1}, {"n": 2}]),
        ("'[line.n for line in Load.lines if line.n > 1]'", [2]),
        ("'[]'", []),
        ("'default(Load.other, [])'", []),
        ("args.shops", ["x", "y", "z"]),
    ],
)
def test_foreach_over_items(tmp_path: Path, foreach: str, items: list[Any]) -> None:
    args = {"shops": ["x", "y", "z"]}
    found = run(tmp_path, "{from: , to: Load}", f"{{from: Load, to: Ship, foreach: {foreach}}}", args=args)
    assert found.status == "success"
    assert ran(found, "Ship") == items


@pytest.mark.parametrize(
    ("foreach", "reason"),
    [
        ("'null'", "is null, not a list"),
        ("Load.name", "is text, not a list"),
        ("'Load.lines[0]'", "not a list"),
        ("Load.other", "other"),
    ],
)
def test_what_is_no_list_fails_the_run(tmp_path: Path, foreach: str, reason: str) -> None:
    found = run(tmp_path, "{from: , to: Load}", f"{{from: Load, to: Ship, foreach: {foreach}}}")
    assert found.status == "failure"
    assert reason in str(found.error)


def test_the_condition_is_asked_before_the_list(tmp_path: Path) -> None:
    found = run(
        tmp_path, "{from: , to: Load}", "{from: Load, to: Ship, condition: Load.total > 9, foreach: Load.no}"
    )
    assert found.status == "success"
    assert ran(found, "Ship") == []


def test_a_condition_of_a_fallback(tmp_path: Path) -> None:
    plan_of(tmp_path, "{from: , to: Fail}")
    text = (tmp_path / "flow.yaml").read_text()
    text += "    failures:\n      - {nodes: Fail, fallback: Ship, condition: args.retry and args.n < 3}\n"
    (tmp_path / "flow.yaml").write_text(text)
    plan = compile_project([str(tmp_path / "flow.yaml")]).plan
    assert plan is not None
    executor = LocalExecutor(plan, LocalOptions(pythonpath=(str(tmp_path),)))
    for retry, ends in ((True, True), (False, False)):
        found = executor.run("main", {"retry": retry, "n": 1})
        assert (found.status == "success") is ends
        assert bool(ran(found, "Ship")) is ends
