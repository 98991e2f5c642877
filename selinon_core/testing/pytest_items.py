"""Case files and cases as pytest sees them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from selinon_core.cases.model import Case
from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.errors import ConfigurationError, RequestError
from selinon_core.local import LocalExecutor, LocalOptions, LocalRun
from selinon_core.project import Project, compile_project
from selinon_core.project.case_files import mocks_from_data
from selinon_core.project.result_schemas import ResultSchemas
from selinon_core.testing.case_run import CaseRunner
from selinon_core.testing.collection import project_paths, read_cases, result_schemas
from selinon_core.testing.explained import explanation
from selinon_core.testing.file_run import FileRun
from selinon_core.testing.options import RunOptions
from selinon_core.testing.results import CaseResult

_PROJECTS = pytest.StashKey[dict[tuple[str, ...], "_SharedProject"]]()
_FILES = pytest.StashKey[list["FlowTestFile"]]()
_NOTES = pytest.StashKey[list[str]]()


class FlowTestError(Exception):
    """Raised with the text that pytest shows instead of a traceback."""


class FlowTestFailed(FlowTestError):
    """Raised for a case that is not fine."""


class _SharedProject(NamedTuple):
    """A project, and what its case files share. ``runner`` is None for a project without a plan."""

    project: Project
    runner: CaseRunner | None
    results: ResultSchemas


class FlowTestFile(pytest.File):
    """A case file."""

    cases: tuple[Case, ...]
    run: FileRun
    runner: CaseRunner

    def collect(self) -> Iterable[FlowTestCase]:
        """The cases, in the order of the file."""
        project, runner, results = self._project()
        if project.plan is None or runner is None:
            errors = [found for found in project.diagnostics if found.severity is Severity.ERROR]
            raise FlowTestError("the project of the cases has errors:\n" + _listed(errors))
        found = read_cases(str(self.path), project, results=results)
        if found.is_broken:
            raise FlowTestError(_listed(found.diagnostics))
        self.cases, self.runner = found.cases, runner
        self.run = FileRun(str(self.path), found.name, found.cases, _options(self.config), results)
        self.plan = project.plan
        self.session.stash.setdefault(_FILES, []).append(self)
        for number, case in enumerate(found.cases):
            yield FlowTestCase.from_parent(self, name=case.title, case=case, number=number)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The mistakes in the file, or in its project."""
        if isinstance(excinfo.value, FlowTestError | RequestError | ConfigurationError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def let_go(self) -> None:
        """Let go of what only runs need: pytest walks everything that is left, more than once, when it ends."""
        self.cases = ()
        del self.run, self.runner, self.plan

    def _project(self) -> _SharedProject:
        """The project of the file; cases of one project share what is set up for their runs."""
        projects = self.session.stash.setdefault(_PROJECTS, {})
        paths = project_paths(str(self.path.parent))
        if paths not in projects:
            project = compile_project(paths)
            plan, options = project.plan, _options(self.config)
            runner = None if plan is None else CaseRunner(plan, project.pythonpath, options)
            projects[paths] = _SharedProject(project, runner, result_schemas(project))
        return projects[paths]


class FlowTestCase(pytest.Item):
    """A case."""

    parent: FlowTestFile

    def __init__(self, *, case: Case, number: int, **rest: Any) -> None:
        super().__init__(**rest)
        self._number = number
        self._line = case.place.line
        # Words for -k; they are not marks, which --strict-markers would ask to be registered.
        self.extra_keyword_matches.update((*case.tags, case.flow))
        self.user_properties.append(("flow", case.flow))

    def runtest(self) -> None:
        """Run the case with all its seeds."""
        file = self.parent
        case, result = file.cases[self._number], file.run.run(file.runner, self._number)
        self.user_properties += [("seed", str(result.seed)), *(("tag", tag) for tag in case.tags)]
        if result.status == "skipped":
            pytest.skip(result.reason)
        if result.status == "xfailed":
            pytest.xfail(result.reason)
        if not result.is_fine:
            raise FlowTestFailed(_text(case, result))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What was expected, what was found, and why."""
        if isinstance(excinfo.value, FlowTestError | RequestError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the case stands; lines count from 0 here."""
        return self.path, self._line - 1, self.name


def _options(config: pytest.Config) -> RunOptions:
    seeds = config.getoption("--selinon-seeds")
    if seeds < 1:
        raise pytest.UsageError("--selinon-seeds: expected a number of at least 1")
    return RunOptions(
        seeds=seeds,
        update_snapshots=config.getoption("--selinon-update-snapshots"),
        ci=config.getoption("--selinon-ci"),
    )


def _text(case: Case, result: CaseResult) -> str:
    # The first line is what pytest shows in its summary.
    return f"{explanation(result) or result.status}{case.place}"


def _listed(diagnostics: Iterable[Diagnostic]) -> str:
    return "\n".join(_diagnostic(found) for found in diagnostics)


def _diagnostic(found: Diagnostic) -> str:
    note = f": {found.note}" if found.note else ""
    help = f" ({found.help})" if found.help else ""
    return f"{found.span.place}: {found.severity.value}[{found.code}]: {found.message}{note}{help}"


def finish(session: pytest.Session) -> None:
    """Write the snapshots of all case files, keep what is to be noted, and let go of the rest."""
    notes = session.config.stash.setdefault(_NOTES, [])
    session.stash.setdefault(_PROJECTS, {}).clear()
    files = session.stash.setdefault(_FILES, [])
    while files:
        file = files.pop(0)
        for note in file.run.finish(file.plan):
            is_stale = note.kind == "stale-deviation" and note.is_error(
                ci=session.config.getoption("--selinon-ci")
            )
            if (is_stale or note.is_error(ci=False)) and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
            if note.kind != "unchecked-mock":
                notes.append(f"{note.where}: {note.text}" if note.where else note.text)
        file.let_go()


def notes_of(config: pytest.Config) -> list[str]:
    """What ``finish`` kept."""
    return config.stash.get(_NOTES, [])


def load_project(directory: str) -> Project:
    """The project to which a directory belongs. Raises ``ConfigurationError`` with its diagnostics."""
    project = compile_project(project_paths(directory))
    if project.plan is None:
        errors = tuple(found for found in project.diagnostics if found.severity is Severity.ERROR)
        raise ConfigurationError("the project has errors:\n" + _listed(errors), errors)
    return project


def run_flow_of(project: Project, flow: str, args: Any, options: dict[str, Any]) -> LocalRun:
    """Run a flow with options of ``LocalOptions``; mocks may be data as case files have them.

    Raises what ``LocalExecutor.run`` raises, ``ConfigurationError`` for mocks that are wrong.
    """
    assert project.plan is not None
    given = dict(options)
    mocks = given.get("mocks")
    if isinstance(mocks, dict):
        given["mocks"], wrong = mocks_from_data(mocks, "mocks", project.plan)
        errors = tuple(found for found in wrong if found.severity is Severity.ERROR)
        if errors:
            raise ConfigurationError(_listed(errors), errors)
    executor = LocalExecutor(project.plan, LocalOptions(**{"pythonpath": project.pythonpath, **given}))
    return executor.run(flow, args)
