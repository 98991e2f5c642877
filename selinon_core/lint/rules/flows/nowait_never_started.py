from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity, fixes_of
from selinon_core.lint.rule import LintContext, Rule


class NowaitNeverStarted(Rule):
    """A ``nowait`` node is not started in the flow.

    What it does: Compares ``nowait`` with all that the edges and fallbacks of the flow start.

    Why it is bad: The entry has no effect; it is a leftover, or another node was meant.

    Example:
        flow-definitions:
          - name: nightly
            nowait: Notify
            edges:
              - from:
                to: Fetch

    Use instead:
        flow-definitions:
          - name: nightly
            nowait: Notify
            edges:
              - from:
                to: [Fetch, Notify]
    """

    code = "SEL411"
    severity = Severity.ERROR
    title = "nowait node that is never started"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            facts = project.facts(flow)
            if not flow.nowait or not facts.reliable:
                continue
            for ref in flow.nowait:
                known = project.is_known(ref.name) and ref.name not in facts.waited_for
                if known and not facts.may_start(ref.name):
                    yield self.found(
                        ref.location,
                        f'"{ref.name}" is marked "nowait", but nothing in the flow starts it',
                        note="never started here",
                        help=project.did_you_mean(f"started in {id(flow)}", ref.name, facts.starters),
                        fixes=fixes_of((f'remove "{ref.name}"', False, ref.location.removed())),
                    )
