from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Related, Severity, fixes_of
from selinon_core.lint.rule import LintContext, Rule


class PropagatedTrue(Rule):
    """``propagate_failure`` together with ``fallback: true``.

    What it does: Looks for failures with both.

    Why it is bad: ``fallback: true`` says that the failure does not matter, ``propagate_failure`` that the
    flow fails because of it.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
            failures:
              - nodes: Fetch
                fallback: true
                propagate_failure: true

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
            failures:
              - nodes: Fetch
                fallback: true
    """

    code = "SEL504"
    severity = Severity.ERROR
    title = "propagate_failure with fallback: true"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            for failure in flow.failures:
                if failure.fallback_true and failure.propagate_failure:
                    yield self.found(
                        failure.key_location("propagate_failure"),
                        '"propagate_failure" contradicts "fallback: true"',
                        note="the failure counts as handled",
                        related=(Related(failure.key_location("fallback").span, '"fallback: true" is here'),),
                        fixes=fixes_of(
                            ('remove "propagate_failure"', False, failure.without("propagate_failure"))
                        ),
                    )
