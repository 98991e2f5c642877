from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import FlowDef, TaskDef
from selinon_core.diagnostics import Diagnostic, Severity, fixes_of
from selinon_core.lint.rule import LintContext, Rule


class CountdownWithoutRetry(Rule):
    """``retry_countdown`` without ``max_retry``.

    What it does: Looks for tasks and flows with a ``retry_countdown`` that are never retried.

    Why it is bad: No retry would be delayed. (For a flow the value still is how long a decision
    waits when a storage is away, so there it is information only.)

    Example:
        tasks:
          - name: Fetch
            import: shop
            retry_countdown: 30
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch

    Use instead:
        tasks:
          - name: Fetch
            import: shop
            max_retry: 3
            retry_countdown: 30
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
    """

    code = "SEL905"
    severity = Severity.WARNING
    title = "retry_countdown without max_retry"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        nodes: tuple[TaskDef | FlowDef, ...] = (*project.model.tasks, *project.model.flows)
        for node in nodes:
            if node.retry_countdown and not node.max_retry:
                is_task = isinstance(node, TaskDef)
                yield self.found(
                    node.key_location("retry_countdown"),
                    f'{"task" if is_task else "flow"} "{node.name.name}" has a "retry_countdown" but no retries',
                    note='"max_retry" is 0',
                    severity=None if is_task else Severity.INFO,
                    fixes=fixes_of(
                        (
                            'remove "retry_countdown"',
                            not node.location.is_shared,
                            node.without("retry_countdown"),
                        )
                    ),
                )
