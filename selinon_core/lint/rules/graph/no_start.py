from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.rule import LintContext, Rule


class NoStart(Rule):
    """A flow has no starting edge.

    What it does: Looks for an edge with an empty ``from`` in every flow.

    Why it is bad: Nothing is ever started, so nothing else in the flow can happen.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from: Fetch
                to: Store

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
    """

    code = "SEL301"
    severity = Severity.ERROR
    title = "no starting edge"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            if not project.facts(flow).has_start:
                yield self.found(
                    flow.name.location,
                    f'flow "{flow.name.name}" has no starting edge',
                    note="nothing in it ever starts",
                    help='add an edge with an empty "from"',
                )
