from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import FlowDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.analysis.uses import started_in
from selinon_core.lint.rule import LintContext, Rule


class EndlessWait(Rule):
    """A wait without time-out is in a flow without time-out.

    What it does: Reports tasks with `wait` but without `timeout` in it, in flows without `timeout`.

    Why it is bad: A flow run whose signal is forgotten waits for ever, and so does the flow that started it.

    Example:
        tasks:
          - name: Approve
            wait: {title: "Ship the order?"}
        flow-definitions:
          - name: order
            edges:
              - from:
                to: Approve

    Use instead:
        tasks:
          - name: Approve
            wait: {title: "Ship the order?", timeout: 86400}
        flow-definitions:
          - name: order
            edges:
              - from:
                to: Approve
    """

    code = "SEL825"
    severity = Severity.WARNING
    title = "wait without an end"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        endless = {
            task.name.name: task
            for task in project.model.tasks
            if task.wait is not None and task.wait.timeout is None and not task.wait.given("timeout")
        }
        if not endless:
            return
        flows: dict[str, list[FlowDef]] = {}
        for flow in project.model.flows:
            if flow.timeout is None and not flow.given("timeout"):
                for name in started_in(flow):
                    flows.setdefault(name, []).append(flow)
        for name, task in endless.items():
            for flow in flows.get(name, ())[:1]:
                yield self.found(
                    task.key_location("wait"),
                    f'task "{name}" may wait for ever in flow "{flow.name.name}"',
                    note="neither the wait nor the flow has a timeout",
                    help="give the wait a timeout: {timeout: 86400} is a day",
                    related=(Related(flow.name.span, "this flow has no timeout"),),
                )
