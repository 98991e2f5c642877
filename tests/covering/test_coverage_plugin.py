"""The plug-in of coverage.py in processes of its own: YAML files of flows beside modules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from tests.covering.sample_runs import SAMPLES

ROOT = SAMPLES.parent
PROGRAM = """\
from selinon_core.local import LocalExecutor, LocalOptions
from selinon_core.project import compile_project

plan = compile_project(["."]).plan


def test_an_order():
    assert LocalExecutor(plan, LocalOptions(pythonpath=(".",))).run("order").status == "success"


if __name__ == "__main__":
    test_an_order()
"""


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    directory = tmp_path / "order_pipeline"
    copytree(SAMPLES / "order_pipeline", directory)
    (directory / "test_orders.py").write_text(PROGRAM)
    return directory


def python(directory: Path, *words: str) -> str:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("COV", "PYTEST"))}
    done = subprocess.run(
        [sys.executable, "-P", *words],
        cwd=directory,
        capture_output=True,
        text=True,
        env=inherited | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def measured(directory: Path, program: tuple[str, ...], *, branch: bool) -> dict[str, Any]:
    settings = f"[run]\nplugins = selinon_core.coverage_plugin\nsource = .\nbranch = {branch}\n"
    (directory / ".coveragerc").write_text(settings)
    python(directory, "-m", "coverage", "run", *program)
    found: dict[str, Any] = json.loads(python(directory, "-m", "coverage", "json", "-q", "-o", "-"))
    return {name.replace(os.sep, "/"): part for name, part in found["files"].items()}


def test_lines_with_a_covered_goal_are_executed(orders: Path) -> None:
    files = measured(orders, ("test_orders.py",), branch=False)
    assert set(files) == {"flows/order.yaml", "flows/reserve.yaml", "nodes.yaml", "tasks.py", "test_orders.py"}
    order = files["flows/order.yaml"]
    assert (order["executed_lines"], order["missing_lines"]) == ([9, 13, 17, 23, 28], [33])
    assert files["nodes.yaml"]["missing_lines"] == [9]


def test_goals_are_the_branches_of_their_lines(orders: Path) -> None:
    files = measured(orders, ("test_orders.py",), branch=True)
    assert {name: files[name]["summary"]["num_branches"] for name in ("flows/order.yaml", "nodes.yaml")} == {
        "flows/order.yaml": 13,
        "nodes.yaml": 2,
    }
    assert files["flows/reserve.yaml"]["missing_branches"] == [[9, -4], [9, -3]]
    assert files["flows/order.yaml"]["summary"]["covered_branches"] == 9


def test_runs_of_tests_count(orders: Path) -> None:
    files = measured(orders, ("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_orders.py"), branch=True)
    assert files["flows/order.yaml"]["summary"]["covered_branches"] == 9


def test_without_a_run_of_a_flow_nothing_is_added(orders: Path) -> None:
    (orders / "other.py").write_text("print(1)\n")
    assert not [name for name in measured(orders, ("other.py",), branch=True) if name.endswith(".yaml")]
