from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.rule import LintContext, Rule


class EagerFlowFailures(Rule):
    """A flow with ``eager_failures: true`` has fallbacks.

    What it does: Looks for ``failures`` in such flows.

    Why it is bad: The first failure ends the flow at once, so its fallbacks are never used.

    Example:
        flow-definitions:
          - name: nightly
            eager_failures: true
            edges:
              - from:
                to: Fetch
            failures:
              - nodes: Fetch
                fallback: Rescue

    Use instead:
        flow-definitions:
          - name: nightly
            eager_failures: true
            edges:
              - from:
                to: Fetch
    """

    code = "SEL508"
    severity = Severity.WARNING
    title = "fallbacks in an eager flow"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            if flow.eager_failures.everything and flow.failures:
                yield self.found(
                    flow.key_location("failures"),
                    f'the fallbacks of flow "{flow.name.name}" are never used',
                    note='"eager_failures: true" comes first',
                    related=(Related(flow.key_location("eager_failures").span, '"eager_failures" is set here'),),
                )
