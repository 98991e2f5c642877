"""A project for tests of flow test cases: a copy, and runs of cases in here.

``order_project`` is written with predicates, a foreach function and ``propagate_...`` keys, which cases mock and
explain. The sample ``order_pipeline`` is the same shop with expressions.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from selinon_core.cases.model import Case
from selinon_core.project import Project, compile_project
from selinon_core.project.case_files import read_case_text
from selinon_core.testing.case_run import CaseRunner
from selinon_core.testing.file_run import FileRun
from selinon_core.testing.options import RunOptions
from selinon_core.testing.results import CaseResult, FileResult

SHOP = Path(__file__).with_name("order_project")


def copy_shop(target: Path) -> Path:
    """A copy of the project without its cases."""
    shutil.copytree(SHOP, target, ignore=shutil.ignore_patterns("*.flowtest.yaml", "__snapshots__", "__pycache__"))
    return target


class Shop:
    """The project in the working directory, and runs of cases that are given as text."""

    def __init__(self) -> None:
        self.project: Project = compile_project()
        assert self.project.plan is not None, self.project.diagnostics
        self.plan = self.project.plan

    def cases(self, text: str, file: str = "order.flowtest.yaml") -> tuple[Case, ...]:
        """The cases of a text, which has no mistakes."""
        cases, diagnostics = read_case_text(text, file, self.plan)
        assert diagnostics == [], diagnostics
        return cases

    def run_file(self, text: str, options: RunOptions | None = None, numbers: tuple[int, ...] = ()) -> FileResult:
        """Run cases of a text, by default all."""
        options = RunOptions() if options is None else options
        cases = self.cases(text)
        run = FileRun("order.flowtest.yaml", "order.flowtest.yaml", cases, options)
        runner = CaseRunner(self.plan, self.project.pythonpath, options)
        return run.run_all(runner, numbers or range(len(cases)), self.plan)

    def run(self, text: str, options: RunOptions | None = None) -> CaseResult:
        """Run the one case of a text."""
        (result,) = self.run_file(text, options).cases
        return result
