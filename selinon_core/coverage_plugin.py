"""A plug-in of coverage.py: flows stand beside modules in its reports.

``plugins = ["selinon_core.coverage_plugin"]`` in ``[tool.coverage.run]`` makes coverage.py list the YAML files of
flows, be it run by ``pytest --cov`` or ``coverage run``. A line is executed when a goal on it is covered. With
branch coverage each goal of a line is a branch. Runs count that begin in the context in which coverage.py was
started, so not those of other threads.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import coverage
from coverage.plugin import CoveragePlugin, FileReporter

from selinon_core.context import add_run_listener
from selinon_core.covering.data import CoverageData
from selinon_core.covering.observer import Finished
from selinon_core.covering.outputs.lines import Line, lines_of
from selinon_core.covering.report import COVERED, judge
from selinon_core.plan import Plan

if TYPE_CHECKING:
    from coverage.plugin_support import Plugins

#: As coverage.py calls the plug-in: the module and the class.
NAME = "selinon_core.coverage_plugin.FlowCoverage"

#: By the absolute names of files.
_Lines = Mapping[str, list[Line]]


class FlowCoverage(CoveragePlugin):
    """Collects what local runs cover, and hands it to coverage.py before that reports."""

    def __init__(self) -> None:
        self._runs: dict[int, tuple[Plan, CoverageData]] = {}
        self._coverage: coverage.Coverage | None = None

    # -- collecting -----------------------------------------------------------------------------------------------

    def listen(self) -> None:
        """Take notice of the local runs of this context from now on."""
        add_run_listener(self.run_ended)

    def run_ended(self, run: Finished) -> None:
        """Count what a local run met."""
        from selinon_core.covering.collector import collect

        if self._coverage is None:
            self._coverage = coverage.Coverage.current()  # at the end of the process it is not current any more
            atexit.register(self.flush)
        plan = run.facts.plan
        _, data = self._runs.setdefault(id(plan), (plan, CoverageData()))
        collect(run.facts, "run", data)

    def flush(self) -> None:
        """Hand what was covered since the last time to coverage.py."""
        current, runs, self._runs = self._coverage, self._runs, {}
        if current is None or not runs:
            return
        data = current.get_data()
        has_branches = bool(current.get_option("run:branch"))
        for plan, covered in runs.values():
            files = _lines(plan, covered)
            if has_branches:
                data.add_arcs({file: _executed_arcs(lines) for file, lines in files.items()})
            else:
                data.add_lines(
                    {file: [line.number for line in lines if line.hits] for file, lines in files.items()}
                )
            data.touch_files(list(files), NAME)

    # -- reporting ------------------------------------------------------------------------------------------------

    def file_reporter(self, filename: str) -> FileReporter | str:
        """The reporter of a file that ``flush`` has named."""
        return FlowReporter(filename)


class FlowReporter(FileReporter):
    """Says which lines of a YAML file have goals."""

    def __init__(self, filename: str) -> None:
        super().__init__(filename)
        self._found: list[Line] | None = None

    @property
    def _lines(self) -> list[Line]:
        if self._found is None:
            self._found = _lines_of_file(os.path.abspath(self.filename))
        return self._found

    def lines(self) -> set[int]:
        """The lines with goals."""
        return {line.number for line in self._lines}

    def arcs(self) -> set[tuple[int, int]]:
        """One arc per goal, out of its line."""
        return {arc for line in self._lines for arc in _arcs(line)}

    def exit_counts(self) -> dict[int, int]:
        """The goals on each line."""
        return {line.number: len(line.branches) for line in self._lines}

    def missing_arc_description(
        self, start: int, end: int, executed_arcs: Iterable[tuple[int, int]] | None = None
    ) -> str:
        """The goal that is not covered."""
        goal = next(line for line in self._lines if line.number == start).branches[-end - 1].goal
        return f"{goal.flow}: not {goal.text}"

    def arc_description(self, start: int, end: int) -> str:
        """The goal."""
        return self.missing_arc_description(start, end).replace(": not ", ": ", 1)


def _lines(plan: Plan, data: CoverageData) -> dict[str, list[Line]]:
    return lines_of(judge(plan, data), os.path.abspath)


def _arcs(line: Line) -> list[tuple[int, int]]:
    """Goals are numbered from 1; arcs to negative lines lead out of the file."""
    return [(line.number, -number) for number, _ in enumerate(line.branches, 1)]


def _executed_arcs(lines: Iterable[Line]) -> list[tuple[int, int]]:
    return [
        arc
        for line in lines
        for arc, goal in zip(_arcs(line), line.branches, strict=True)
        if goal.status == COVERED
    ]


def _lines_of_file(path: str) -> list[Line]:
    """The lines with goals of a file, by the project that it belongs to; none where that has errors."""
    from selinon_core.config.pyproject import configured_files, project_settings
    from selinon_core.config.yaml.files import PathError
    from selinon_core.project import compile_project

    directory = os.path.dirname(path)
    try:
        settings = project_settings(directory)
        configured = [file.path for file in configured_files(settings)]
        plan = compile_project(configured or [settings.root]).plan
        if plan is None and not configured:
            plan = compile_project([directory]).plan
    except PathError:
        return []
    return [] if plan is None else _lines(plan, CoverageData()).get(path, [])


def coverage_init(reg: Plugins, options: Mapping[str, Any]) -> None:
    """Register the plug-in. It traces no Python code, so that coverage.py may use any of its tracers."""
    plugin = FlowCoverage()
    reg.add_noop(plugin)
    _active.append(plugin)
    plugin.listen()


_active: list[FlowCoverage] = []


def flush() -> None:
    """Hand what was covered to coverage.py: for programs that stop it before the process ends, as pytest-cov."""
    for plugin in _active:
        plugin.flush()
