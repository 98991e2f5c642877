"""What ``selinon check`` and ``selinon lint --check`` share: explorations, and comments that silence findings."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from selinon_cli.ignores import silenced
from selinon_cli.terminal import Terminal
from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.diagnostics.location import Span

if TYPE_CHECKING:
    from selinon_core.cases.model import Invariant
    from selinon_core.exploring import FlowCheck, Limits
    from selinon_core.lint.suppressions import Suppressed
    from selinon_core.plan import Plan
    from selinon_core.project import Project


def run_checks(
    plan: Plan,
    pythonpath: Sequence[str],
    names: Sequence[str],
    limits: Limits,
    invariants: Sequence[Invariant] = (),
    is_over: Callable[[], bool] = lambda: False,
) -> tuple[list[FlowCheck], list[str]]:
    """Check these flows; also what could not be used, as sentences.

    ``pythonpath`` is where the annotations of tasks and the module of the predicates are read.
    """
    from selinon_core.exploring import Checker, ProjectModel
    from selinon_core.project.result_schemas import ResultSchemas
    from selinon_core.project.shipped_predicates import ShippedPredicates

    plan = ShippedPredicates(pythonpath).resolved(plan)
    model = ProjectModel(plan, ResultSchemas(os.curdir, pythonpath).of)
    checker = Checker(model, limits, invariants, is_over)
    checks = [checker.check(name) for name in names]
    return checks, list(dict.fromkeys(model.notes))


def silenced_findings(
    terminal: Terminal, project: Project, checks: Sequence[FlowCheck], *, is_whole: bool
) -> dict[str, str]:
    """The findings that comments silence, each with the reason."""
    from selinon_core.exploring.properties import PROPERTIES

    answers = [one for each in checks for one in each.properties if one.severity != "information"]
    return silenced(
        terminal,
        project,
        "check",
        "finding",
        PROPERTIES,
        lambda: [(one.id, one.code, one.place) for one in answers],
        is_whole=is_whole,
    )


def explored_diagnostics(
    terminal: Terminal, paths: Sequence[str], pythonpath: Sequence[str]
) -> tuple[list[Diagnostic], list[Suppressed]]:
    """The findings of a project without errors as diagnostics, and those that comments silence.

    Nothing for a project with errors: it cannot be explored.
    """
    from selinon_core.exploring import Limits
    from selinon_core.lint.suppressions import Suppressed
    from selinon_core.project import compile_project

    project = compile_project(paths, pythonpath=pythonpath)
    if project.plan is None:
        return [], []
    checks, notes = run_checks(project.plan, project.pythonpath, tuple(project.plan.flows), Limits())
    for note in notes:
        terminal.warn(note)
    reasons = silenced_findings(terminal, project, checks, is_whole=True)
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
