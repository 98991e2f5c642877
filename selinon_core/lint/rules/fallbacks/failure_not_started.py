from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.rule import LintContext, Rule


class FailureNotStarted(Rule):
    """A fallback is for the failure of a node that the flow does not start.

    What it does: Compares ``nodes`` of the failures with all that the edges and fallbacks of the flow start.

    Why it is bad: A node that never runs here never fails here, so the fallback never runs.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
            failures:
              - nodes: [Fetch, Parse]
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

    code = "SEL501"
    severity = Severity.ERROR
    title = "fallback for a node that is not started"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            facts = project.facts(flow)
            if not flow.failures or not facts.reliable:
                continue
            for failure in flow.failures:
                for ref in dict.fromkeys(failure.nodes or ()):
                    if ref.name in facts.waited_for or not project.is_known(ref.name):
                        continue
                    if facts.may_start(ref.name):
                        continue
                    yield self.found(
                        ref.location,
                        f'a fallback for "{ref.name}", but nothing in the flow starts it',
                        note="never started here",
                        help=project.did_you_mean(f"started in {id(flow)}", ref.name, facts.starters),
                    )
