"""Getting a project for a command: its plan, or its mistakes printed and the command ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from selinon_cli.exits import EXIT_FINDINGS, EXIT_USAGE, CommandExit, UsageError
from selinon_cli.module_places import check_pythonpath
from selinon_cli.render.text import SourceLines, render_blocks, summary
from selinon_cli.terminal import Terminal
from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.diagnostics.wording import suggestion
from selinon_core.project import Project, compile_project

if TYPE_CHECKING:
    from selinon_core.plan import Plan


def load_project(terminal: Terminal, paths: Sequence[str], pythonpath: Iterable[str] = ()) -> tuple[Plan, Project]:
    """Compile the project in ``paths``.

    Raises ``CommandExit`` after printing the errors when there are any, ``PathError`` for paths that do not exist,
    ``UsageError`` for such places of modules.
    """
    check_pythonpath(pythonpath)
    project = compile_project(paths, pythonpath=pythonpath)
    if project.plan is None:
        errors = [found for found in project.diagnostics if found.severity is Severity.ERROR]
        print_diagnostics(terminal, project, errors)
        raise CommandExit(EXIT_FINDINGS)
    return project.plan, project


def load_whole_project(
    terminal: Terminal, paths: Sequence[str], pythonpath: Iterable[str] = ()
) -> tuple[Plan, Project]:
    """The project, for commands in which an error of it is another code than a finding.

    Raises ``CommandExit`` with the code of wrong use after printing the errors.
    """
    try:
        return load_project(terminal, paths, pythonpath)
    except CommandExit:
        raise CommandExit(EXIT_USAGE) from None


def plan_at_revision(terminal: Terminal, revision: str, paths: Sequence[str]) -> Plan:
    """The plan of the project in ``paths`` at a git revision.

    Raises ``CommandExit`` after printing the errors when there are any, ``RequestError`` for an unknown revision.
    """
    from selinon_core.errors import ConfigurationError
    from selinon_core.project.git_revision import plan_at

    try:
        return plan_at(revision, paths)
    except ConfigurationError as error:
        terminal.err.write(render_blocks(error.diagnostics, {}, color=terminal.color_err))
        terminal.error(str(error))
        raise CommandExit(EXIT_FINDINGS) from error


def print_diagnostics(terminal: Terminal, project: Project, found: Sequence[Diagnostic]) -> None:
    """Write diagnostics and their number to stderr."""
    terminal.err.write(render_blocks(found, SourceLines(project.sources), color=terminal.color_err))
    terminal.note(project_summary(project, found))


def project_summary(project: Project, found: Sequence[Diagnostic], suppressed: int = 0) -> str:
    """The closing line about a project."""
    model = project.model
    return summary(
        found,
        files=len(project.files),
        flows=len(model.flows),
        tasks=len(model.tasks),
        suppressed=suppressed,
    )


def chosen_flow(plan: Plan, name: str | None) -> str:
    """The flow that is meant: the one named, else the only one that no other flow starts.

    Raises ``UsageError`` for an unknown name and when there is no single candidate.
    """
    if name is not None:
        known_name("flow", name, plan.flows)
        return name
    candidates = plan.top_level_flows or tuple(plan.flows)
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise UsageError("the project has no flow")
    raise UsageError(
        f"there are {len(candidates)} flows that no other flow starts: {_some(candidates)}",
        "say which one with --flow NAME",
    )


def known_name(kind: str, name: str, known: Iterable[str]) -> None:
    """Raise ``UsageError`` with "did you mean" when ``name`` is not a known one."""
    names = list(known)
    if name in names:
        return
    hint = f"known are: {_some(names)}" if names else "there is none"
    raise UsageError(f'no {kind} is named "{name}"', suggestion(name, names) or hint)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")


def declared_names(paths: Sequence[str], what: str) -> list[str]:
    """The names of one sort (``flow``, ``task``, ``node``, ``storage``), mistakes in the files or not."""
    model = compile_project(paths).model
    flows = [flow.name.name for flow in model.flows]
    tasks = [task.name.name for task in model.tasks]
    storages = [storage.name.name for storage in model.storages]
    return {"flow": flows, "task": tasks, "node": [*flows, *tasks], "storage": storages}[what]
