"""``pytest --selinon-cover``: cases, tests that run flows, several processes, and coverage.py beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from shutil import copytree

import pytest

ROOT = Path(__file__).parents[2]
BY_HAND = """\
def test_a_gift(run_flow):
    assert run_flow("order", {"number": 8}).status == "success"
"""


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    directory = tmp_path / "order_pipeline"
    copytree(ROOT / "sample_flows" / "order_pipeline", directory, ignore=lambda *_: {".selinon", "__pycache__"})
    (directory / "test_orders.py").write_text(BY_HAND)
    return directory


def pytest_in(directory: Path, *words: str, before: tuple[str, ...] = ()) -> str:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("COV", "PYTEST"))}
    installed = any(found.name == "selinon" for found in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "selinon_core.pytest_plugin"]
    plugins = [*plugin, "-p", "no:cacheprovider", "-p", "no:randomly"]
    done = subprocess.run(
        [sys.executable, "-P", *before, "-m", "pytest", "-q", *plugins, *words],
        cwd=directory,
        capture_output=True,
        text=True,
        env=inherited | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def covered(directory: Path) -> dict[str, set[str]]:
    """Which tests cover which goal of the flow ``order``."""
    data = json.loads((directory / ".selinon" / "coverage.json").read_text())
    hits = data["flows"]["order"]["hits"]
    return {key: {data["cases"][number] for number, _ in pairs} for key, pairs in hits.items()}


def test_a_test_that_runs_a_flow_covers_goals(orders: Path) -> None:
    printed = pytest_in(orders, "--selinon-cover", "test_orders.py")
    assert covered(orders)["edge:2/no"] == {"test_orders.py::test_a_gift"}
    assert "order    7 of 15 goals  46.6 %" in printed


def test_cases_and_tests_count_together_in_one_process_and_in_several(orders: Path) -> None:
    alone = pytest_in(orders, "--selinon-cover", ".")
    by_one = covered(orders)
    assert {"test_orders.py::test_a_gift"} < by_one["edge:2/no"]
    pytest_in(orders, "--selinon-cover", "-n", "2", ".")
    assert covered(orders) == by_one
    assert "goals covered; selinon cover lists the others" in alone


def test_without_the_option_nothing_is_written_or_said(orders: Path) -> None:
    assert "goals" not in pytest_in(orders, "test_orders.py")
    assert not (orders / ".selinon").exists()


def test_data_that_cannot_be_written_is_told_and_the_tests_pass(orders: Path) -> None:
    (orders / ".selinon").write_text("")
    printed = pytest_in(orders, "--selinon-cover", "test_orders.py")
    assert "cannot write" in printed
    assert "1 passed" in printed


def test_coverage_py_gets_the_goals_of_the_same_runs(orders: Path) -> None:
    (orders / ".coveragerc").write_text("[run]\nplugins = selinon_core.coverage_plugin\nsource = .\n")
    pytest_in(orders, "test_orders.py", before=("-m", "coverage", "run"))
    found = subprocess.run(
        [sys.executable, "-m", "coverage", "json", "-q", "-o", "-"],
        cwd=orders,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert 28 in json.loads(found.stdout)["files"][os.path.join("flows", "order.yaml")]["executed_lines"]
