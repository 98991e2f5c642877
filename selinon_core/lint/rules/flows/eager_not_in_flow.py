from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity, fixes_of
from selinon_core.lint.rule import LintContext, Rule


class EagerNotInFlow(Rule):
    """A node listed under ``eager_failures`` is not in the flow.

    What it does: Compares ``eager_failures`` with all that the edges and fallbacks of the flow start.

    Why it is bad: The entry has no effect; it is a leftover, or another node was meant.

    Example:
        flow-definitions:
          - name: nightly
            eager_failures: Notify
            edges:
              - from:
                to: Fetch

    Use instead:
        flow-definitions:
          - name: nightly
            eager_failures: Notify
            edges:
              - from:
                to: [Fetch, Notify]
    """

    code = "SEL412"
    severity = Severity.ERROR
    title = "eager node that is not in the flow"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            facts = project.facts(flow)
            if not flow.eager_failures.refs or not facts.reliable:
                continue
            for ref in flow.eager_failures.refs:
                known = project.is_known(ref.name) and ref.name not in facts.waited_for
                if known and not facts.may_start(ref.name):
                    yield self.found(
                        ref.location,
                        f'"{ref.name}" is to fail the flow eagerly, but nothing in the flow starts it',
                        note="never started here",
                        help=project.did_you_mean(f"started in {id(flow)}", ref.name, facts.starters),
                        fixes=fixes_of((f'remove "{ref.name}"', False, ref.location.removed())),
                    )
