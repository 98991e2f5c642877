from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Related, Severity, fixes_of
from selinon_core.lint.analysis.uses import first_refs
from selinon_core.lint.rule import LintContext, Rule


class EagerWithFallback(Rule):
    """A node listed under ``eager_failures`` has a fallback.

    What it does: Compares the list with the ``nodes`` of the failures.

    Why it is bad: The failure of an eager node ends the flow at once, so the fallback can never run.

    Example:
        flow-definitions:
          - name: nightly
            eager_failures: Fetch
            edges:
              - from:
                to: Fetch
            failures:
              - nodes: Fetch
                fallback: Rescue

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
            failures:
              - nodes: Fetch
                fallback: Rescue
    """

    code = "SEL413"
    severity = Severity.ERROR
    title = "eager node with a fallback"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            if not flow.eager_failures.refs:
                continue
            handled = first_refs(failure.nodes for failure in flow.failures)
            for ref in flow.eager_failures.refs:
                if ref.name in handled:
                    yield self.found(
                        ref.location,
                        f'"{ref.name}" is to fail the flow eagerly, but it has a fallback',
                        note="the fallback can never run",
                        related=(Related(handled[ref.name].span, "the fallback is here"),),
                        fixes=fixes_of((f'remove "{ref.name}" here', False, ref.location.removed())),
                    )
