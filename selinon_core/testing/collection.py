"""From paths to case files and the projects they belong to."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from selinon_core.cases.model import Case
from selinon_core.config.pyproject import configured_files, project_settings
from selinon_core.config.yaml.files import (
    MissingPathError,
    PathError,
    display_name,
    is_root,
    project_directories,
    yaml_files,
)
from selinon_core.diagnostics import Diagnostic, has_errors
from selinon_core.diagnostics.wording import suggestion
from selinon_core.errors import RequestError
from selinon_core.plan import Plan
from selinon_core.project import Project, compile_project
from selinon_core.project.case_files import read_case_file
from selinon_core.project.reading import without_gc
from selinon_core.project.result_schemas import ResultSchemas

SUFFIXES = (".flowtest.yaml", ".flowtest.yml")


class CaseFile(NamedTuple):
    """A case file that was read. ``path`` opens it, ``name`` is what messages and ids of cases call it.

    ``numbers`` are those of the cases that are wanted.
    """

    path: str
    name: str
    project: Project
    cases: tuple[Case, ...]
    diagnostics: tuple[Diagnostic, ...]
    numbers: tuple[int, ...]

    @property
    def is_broken(self) -> bool:
        """Whether the cases cannot be run."""
        return has_errors(self.diagnostics)

    @property
    def selected(self) -> Iterator[tuple[int, Case]]:
        """The cases that are wanted, with their numbers."""
        return ((number, self.cases[number]) for number in self.numbers)


class _Wanted(NamedTuple):
    """A case file to be read. ``titles``: only these cases; ``project``: the paths of its project."""

    path: str
    titles: tuple[str, ...]
    project: tuple[str, ...]


def is_case_file(path: str) -> bool:
    """Whether a path is that of a case file, by its ending."""
    return path.endswith(SUFFIXES)


def collect(paths: Sequence[str], pythonpath: Iterable[str] = ()) -> list[CaseFile]:
    """Read the case files that paths mean: projects, case files, and ``file::name`` of single cases.

    A case file in a directory below a given one that has a ``pyproject.toml`` of its own belongs to the project
    there, every other to the project that is given. Raises ``PathError`` for what does not exist, ``RequestError``
    for a case that a file does not have.
    """
    pythonpath = tuple(pythonpath)
    projects: dict[tuple[str, ...], tuple[Project, ResultSchemas]] = {}
    found = []
    with without_gc():
        for wanted in _wanted(paths):
            if wanted.project not in projects:
                project = compile_project(wanted.project, pythonpath=pythonpath)
                projects[wanted.project] = project, result_schemas(project)
            project, results = projects[wanted.project]
            found.append(read_cases(wanted.path, project, wanted.titles, results))
    return found


def result_schemas(project: Project) -> ResultSchemas:
    """What mocked results of a project have to fit."""
    return ResultSchemas(os.getcwd(), project.pythonpath)


def read_cases(
    path: str, project: Project, titles: Sequence[str] = (), results: ResultSchemas | None = None
) -> CaseFile:
    """Read a case file against a project; without a plan the file is not read.

    ``results`` are those of the project, if they are at hand. Raises ``RequestError`` for titles that no case has.
    """
    name = display_name(path)
    if project.plan is None:
        return CaseFile(path, name, project, (), (), ())
    read, diagnostics = read_case_file(path, project.plan, results or result_schemas(project))
    cases = tuple(_with_tags_of_flow(case, project.plan) for case in read)
    numbers = tuple(range(len(cases)))
    if titles:
        numbers = tuple(number for number in numbers if _is_titled(cases[number], titles))
        known = [title for case in cases for title in (case.name, case.title)]
        for title in titles:
            if title not in known and not has_errors(diagnostics):
                raise RequestError(f"{name} has no case {title!r}{_hint(title, known)}")
    return CaseFile(path, name, project, cases, tuple(diagnostics), numbers)


def _with_tags_of_flow(case: Case, plan: Plan) -> Case:
    flow = plan.flows.get(case.flow)
    tags = flow.tags if flow is not None else ()
    return case._replace(tags=tuple(dict.fromkeys((*case.tags, *tags)))) if tags else case


def project_paths(directory: str) -> tuple[str, ...]:
    """The paths of the project to which a case file in a directory belongs.

    What ``[tool.selinon]`` of the nearest ``pyproject.toml`` names, else the directory where the project begins.
    """
    settings = project_settings(directory)
    if settings.nodes or settings.flows:
        return tuple(file.path for file in configured_files(settings))
    return (settings.root,)


def _wanted(paths: Sequence[str]) -> list[_Wanted]:
    """The case files, each once, those of directories sorted."""
    named = [path for path in paths if _file_of(path) is not None]
    project = tuple(path for path in paths if _file_of(path) is None)
    found: dict[str, _Wanted] = {}
    if project or not named:
        for path in _files_below(project):
            found[os.path.realpath(path)] = _Wanted(path, (), _project_of(path, project))
    for text in named:
        path, colons, title = text.partition("::")
        if not os.path.isfile(path):
            raise PathError(f"no such file: {path}")
        if colons and not title:
            raise RequestError(f"{text} names no case: the name of one stands behind ::")
        paths_of_project = _project_of(path, project) if project else project_paths(os.path.dirname(path))
        before = found.get(os.path.realpath(path))
        titles: tuple[str, ...] = (title,) if title else ()
        if before is not None:
            titles = (*before.titles, *titles) if before.titles and titles else ()
        found[os.path.realpath(path)] = _Wanted(path, titles, paths_of_project)
    return list(found.values())


def _file_of(text: str) -> str | None:
    """The case file in ``file`` or ``file::name``, None for another path."""
    path = text.partition("::")[0]
    return path if is_case_file(path) and not os.path.isdir(path) else None


def _files_below(project: Sequence[str]) -> list[str]:
    directories: list[str] = []
    if project:
        for path in project:
            if not os.path.exists(path):
                raise MissingPathError(path)
            directories.append(path if os.path.isdir(path) else os.path.dirname(path) or ".")
    else:
        settings = project_settings()
        directories.append(settings.root if settings.nodes or settings.flows else ".")
    found: dict[str, str] = {}
    for directory in directories:
        for parent, names in project_directories(directory, follow_links=bool(project)):
            for name in sorted(names):
                if is_case_file(name) and not name.startswith("."):
                    path = os.path.normpath(os.path.join(parent, name))
                    found.setdefault(os.path.realpath(path), path)
    return list(found.values())


def _project_of(path: str, given: tuple[str, ...]) -> tuple[str, ...]:
    """The project of a case file that was found below the given paths, or below the working directory."""
    directory = os.path.realpath(os.path.dirname(path) or ".")
    root = os.path.realpath(project_settings(directory).root)
    for base in given or (project_settings().root,):
        above = os.path.realpath(base if os.path.isdir(base) else os.path.dirname(base) or ".")
        if is_root(root) and root != above and root.startswith(above.rstrip(os.sep) + os.sep):
            return project_paths(directory)
    if given and not any(map(_holds_flows, given)):  # directories of case files alone
        return project_paths(directory)
    return given


def _holds_flows(path: str) -> bool:
    """Whether a path is, or leads to, a YAML file other than a case file."""
    return not os.path.isdir(path) or any(not is_case_file(file) for file in yaml_files(path, True))


def _is_titled(case: Case, titles: Sequence[str]) -> bool:
    return case.name in titles or case.title in titles


def _hint(title: str, known: list[str]) -> str:
    text = suggestion(title, known)
    return f"; {text}" if text else ""
