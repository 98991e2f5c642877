from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity, fixes_of
from selinon_core.lint.analysis.uses import first_refs
from selinon_core.lint.rule import LintContext, Rule


class ParentFailuresOfNothing(Rule):
    """``propagate_parent_failures`` names a flow that is not a fallback.

    What it does: Compares the names with what the fallbacks of the flow start.

    Why it is bad: Only a fallback receives what failed, so the flag has no effect.

    Example:
        flow-definitions:
          - name: nightly
            propagate_parent_failures: publish
            edges:
              - from:
                to: [Fetch, publish]

    Use instead:
        flow-definitions:
          - name: nightly
            propagate_parent_failures: publish
            edges:
              - from:
                to: Fetch
            failures:
              - nodes: Fetch
                fallback: publish
    """

    code = "SEL416"
    severity = Severity.WARNING
    title = "parent failures for a flow that is not a fallback"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            facts = project.facts(flow)
            if not flow.propagate_parent_failures.refs or not facts.reliable:
                continue
            fallbacks = first_refs(failure.fallback for failure in flow.failures)
            for ref in flow.propagate_parent_failures.refs:
                is_here = project.model.is_flow(ref.name) and ref.name in facts.starters
                if is_here and ref.name not in fallbacks:
                    yield self.found(
                        ref.location,
                        f'"propagate_parent_failures" names "{ref.name}", which no fallback starts',
                        note="has no effect",
                        fixes=fixes_of((f'remove "{ref.name}"', False, ref.location.removed())),
                    )
