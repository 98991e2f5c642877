"""Test cases that a command suggests: each is run as ``selinon test`` runs it before it is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.cases.model import Case
    from selinon_core.plan import Plan


def confirmed(terminal: Terminal, plan: Plan, cases: Sequence[Case]) -> list[Case]:
    """The cases that pass; says of each other one what it does not show."""
    from selinon_core.testing.case_run import CaseRunner
    from selinon_core.testing.options import RunOptions
    from selinon_core.testing.snapshots import Snapshots

    quiet = type(plan)(plan.tasks, plan.flows, plan.storages, plan.settings._replace(trace=()))
    runner = CaseRunner(quiet, (), RunOptions())
    kept = []
    for number, case in enumerate(cases):
        result = runner.run(number, cases, Snapshots(case.file, case.file), lambda case, run: None)
        if result.status == "passed":
            kept.append(case)
        else:
            finding = next(iter(result.findings), None)
            why = result.reason if finding is None else finding.message
            terminal.warn(f'"{case.name}" is left out, which is a bug of selinon: {why}')
    return kept
