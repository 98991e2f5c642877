"""From the files or dictionaries of a project to a plan, with mistakes as one exception."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from selinon_core.config.yaml.files import PathError
from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.errors import ConfigurationError
from selinon_core.legacy.written import Written
from selinon_core.plan import Plan
from selinon_core.project import Project, compile_data, compile_project

Path = str | os.PathLike[str]


class Loaded(NamedTuple):
    """A configuration: its plan, where its modules are looked for, and what only the files say."""

    plan: Plan
    pythonpath: tuple[str, ...]
    written: Written


def load_files(nodes: Path, flows: Path | Iterable[Path]) -> Loaded:
    """Compile files (``flows`` may be directories).

    Raises ``ConfigurationError`` with all mistakes, ``FileNotFoundError`` (one that is a
    ``ConfigurationError`` too) for what does not exist.
    """
    rest = [flows] if isinstance(flows, (str, os.PathLike)) else list(flows)
    try:
        project = compile_project(list(dict.fromkeys([nodes, *rest])))
    except PathError as error:
        raise MissingFileError(str(error)) from None
    return _loaded(project)


def load_data(nodes: Mapping[str, Any], flows: Mapping[str, Any] | Iterable[Any]) -> Loaded:
    """Compile what files would hold; raises ``ConfigurationError`` with all mistakes."""
    return _loaded(compile_data(nodes, *(part for part in _parts(flows) if part is not nodes)))


def _loaded(project: Project) -> Loaded:
    return Loaded(plan_of(project), tuple(project.pythonpath), Written.of(project.model))


def _parts(flows: Any) -> Iterator[Mapping[str, Any]]:
    """What files of flows would hold, each by itself, in lists, or in lists of lists."""
    if isinstance(flows, Iterable) and not isinstance(flows, Mapping | str | bytes):
        for part in flows:
            yield from _parts(part)
    else:
        yield flows


def plan_of(project: Project) -> Plan:
    """The plan of a project; raises ``ConfigurationError`` when it has none."""
    if project.plan is None:
        errors = [d for d in project.diagnostics if d.severity is Severity.ERROR]
        lines = "\n".join(_line(diagnostic) for diagnostic in errors)
        count = "an error" if len(errors) == 1 else f"{len(errors)} errors"
        raise ConfigurationError(f"the configuration has {count}:\n{lines}", project.diagnostics)
    return project.plan


class MissingFileError(ConfigurationError, FileNotFoundError):
    """Raised when a configuration file does not exist."""


def _line(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    help = f" ({diagnostic.help})" if diagnostic.help else ""
    return f"{span.file}:{span.line}:{span.column}: [{diagnostic.code}] {diagnostic.message}{help}"
