from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.rule import LintContext, Rule


class OwnFallback(Rule):
    """A node is its own fallback.

    What it does: Looks for failures with one node and the same node as the one fallback.

    Why it is bad: A node that fails again and again would be started again and again, without end.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
            failures:
              - nodes: Fetch
                fallback: Fetch

    Use instead:
        tasks:
          - name: Fetch
            import: shop
            max_retry: 3
            retry_countdown: 10
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
    """

    code = "SEL502"
    severity = Severity.ERROR
    title = "node that is its own fallback"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            for failure in flow.failures:
                nodes, fallback = failure.nodes or (), failure.fallback or ()
                if len(nodes) == 1 and len(fallback) == 1 and nodes[0].name == fallback[0].name:
                    is_task = nodes[0].name in project.model.task_by_name
                    yield self.found(
                        fallback[0].location,
                        f'"{nodes[0].name}" is its own fallback',
                        note="may go on for ever",
                        help=f'to try again, set "max_retry" of {"task" if is_task else "flow"} "{nodes[0].name}"',
                    )
