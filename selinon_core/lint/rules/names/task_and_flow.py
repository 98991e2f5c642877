from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.rule import LintContext, Rule


class TaskAndFlow(Rule):
    """A task and a flow have one name.

    What it does: Compares the names of tasks with the names of flows. (A storage may share its name with
    either.)

    Why it is bad: Tasks and flows are nodes and share one name space, so an edge could mean either.

    Example:
        tasks:
          - name: Report
            import: shop
        flow-definitions:
          - name: Report
            edges:
              - from:
                to: Report

    Use instead:
        tasks:
          - name: Report
            import: shop
        flow-definitions:
          - name: reporting
            edges:
              - from:
                to: Report
    """

    code = "SEL210"
    severity = Severity.ERROR
    title = "task and flow of one name"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for name, flow in project.model.flow_by_name.items():
            task = project.model.task_by_name.get(name)
            if task is not None:
                yield self.found(
                    flow.name.location,
                    f'flow "{name}" has the name of a task',
                    note="tasks and flows share one name space",
                    related=(Related(task.name.span, f'task "{name}" is defined here'),),
                )
