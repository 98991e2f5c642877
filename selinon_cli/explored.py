"""Findings of explorations as diagnostics, for ``selinon lint --check``; codes are names for ignore comments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from selinon_cli.terminal import Terminal
from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.diagnostics.location import Span

if TYPE_CHECKING:
    from selinon_core.lint.suppressions import Suppressed


def explored_diagnostics(
    terminal: Terminal, paths: Sequence[str], pythonpath: Sequence[str]
) -> tuple[list[Diagnostic], list[Suppressed]]:
    """What ``selinon check`` finds in a project without errors, and what comments silence of it.

    Nothing for a project with errors: it cannot be explored.
    """
    from selinon_cli.commands.check import run_checks, silenced
    from selinon_core.exploring import Limits
    from selinon_core.lint.suppressions import Suppressed
    from selinon_core.project import compile_project

    project = compile_project(paths, pythonpath=pythonpath)
    if project.plan is None:
        return [], []
    checks, notes = run_checks(project.plan, tuple(project.plan.flows), Limits())
    for note in notes:
        terminal.warn(note)
    reasons = silenced(terminal, project, checks, is_whole=True)
    kept: list[Diagnostic] = []
    suppressed: list[Suppressed] = []
    for each in checks:
        for one in each.properties:
            if one.severity == "information":
                continue
            place = one.place
            span = Span(place.file, place.line, place.column, place.line, place.column + 1)
            severity = Severity.ERROR if one.severity == "error" else Severity.WARNING
            is_sentence = one.name in ("ends", "silent-end", "unhandled")
            message = one.text if is_sentence else f"{one.subject}: {one.text}"
            found = Diagnostic(
                one.code,
                severity,
                f"flow {each.flow.name}: {message}",
                span,
                help=f"selinon check --flow {each.flow.name} shows what can happen",
            )
            if one.id in reasons:
                suppressed.append(Suppressed(found, reasons[one.id]))
            else:
                kept.append(found)
    return kept, suppressed
