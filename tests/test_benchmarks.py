"""The benchmarks keep working: CI runs each of them, and the projects that they make are right ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import lint, quick, startup
from selinon_core.diagnostics import Severity
from selinon_core.project import lint_project

ROOT = Path(__file__).parents[1]
#: What a benchmark starts in a process of its own.
PARTS = {"benchmarks/celery/measure.py", "benchmarks/celery/dbos_app.py", "benchmarks/in_process/measure.py"}


def test_ci_runs_all_benchmarks() -> None:
    assert "python -m benchmarks.quick" in (ROOT / ".ci/run").read_text()
    documented = re.findall(r"^\| `python (.+?)` \|", (ROOT / "benchmarks/README.md").read_text(), re.MULTILINE)
    assert set(documented) == {command.partition(" --quick")[0] for command in quick.COMMANDS}


def test_no_benchmark_is_left_out() -> None:
    commands = {command.removeprefix("-m ").partition(" --quick")[0] for command in quick.COMMANDS}
    files = {command if command.endswith(".py") else command.replace(".", "/") + ".py" for command in commands}
    files = files - {"benchmarks/celery.py"} | {"benchmarks/celery/__main__.py", "benchmarks/quick.py"}
    found = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "benchmarks").rglob("*.py")
        if '__name__ == "__main__"' in path.read_text()
    }
    assert found - PARTS == files


@pytest.mark.parametrize("benchmark", [lint, startup])
def test_generated_projects_have_no_errors(benchmark: object, tmp_path: Path) -> None:
    if benchmark is lint:
        lint.write_project(tmp_path, 100)
    else:
        startup.write_project(tmp_path)
    found = lint_project([str(tmp_path)]).diagnostics
    assert [diagnostic for diagnostic in found if diagnostic.severity is Severity.ERROR] == []
