"""Test cases that a command suggests: each is run before it is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from selinon_cli.terminal import Terminal

if TYPE_CHECKING:
    from selinon_core.cases.model import Case
    from selinon_core.plan import Plan


def confirmed(terminal: Terminal, plan: Plan, cases: Sequence[Case]) -> list[Case]:
    """The cases that end as they expect when they are run with their mocks; says which ones do not."""
    quiet = type(plan)(plan.tasks, plan.flows, plan.storages, plan.settings._replace(trace=()))
    kept = []
    for case in cases:
        wrong = _wrong(quiet, case)
        if wrong is None:
            kept.append(case)
        else:
            terminal.warn(f'"{case.name}" is left out: {wrong}')
    return kept


def _wrong(plan: Plan, case: Case) -> str | None:
    """How a run of the case differs from what it expects; None when it does not."""
    from selinon_core.errors import SelinonException
    from selinon_core.local import LocalExecutor, LocalOptions

    try:
        run = LocalExecutor(plan, LocalOptions(mocks=case.mocks, mock_all=True)).run(case.flow, case.args)
    except SelinonException as error:
        return str(error)
    if run.status != case.expect.status.value:
        return f"its run ends with {run.status}, not {case.expect.status.value}"
    facts = run.facts
    ran = Counter(node.run.name for node in facts.nodes if node.flow_run is facts.root)
    wanted = {} if case.expect.runs is None else case.expect.runs.value
    return None if case.expect.runs is None or ran == wanted else f"it runs {dict(ran)}, not {wanted}"
