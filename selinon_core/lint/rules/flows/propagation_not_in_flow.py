from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity, fixes_of
from selinon_core.lint.analysis.flags import PROPAGATION
from selinon_core.lint.rule import LintContext, Rule


class PropagationNotInFlow(Rule):
    """A ``propagate_*`` flag names a flow that is not started in this flow.

    What it does: Compares the names with all sub-flows that the edges and fallbacks of the flow start.

    Why it is bad: Nothing can be passed on to a flow, or collected from one, that is not run here.

    Example:
        flow-definitions:
          - name: nightly
            propagate_node_args: publish
            edges:
              - from:
                to: Fetch

    Use instead:
        flow-definitions:
          - name: nightly
            propagate_node_args: publish
            edges:
              - from:
                to: [Fetch, publish]
    """

    code = "SEL414"
    severity = Severity.ERROR
    title = "propagation for a flow that is not started"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        model = project.model
        for flow in model.flows:
            facts = project.facts(flow)
            if not facts.reliable:
                continue
            for flag in PROPAGATION:
                for ref in flag.names(flow).refs:
                    if not model.is_flow(ref.name) or ref.name in facts.waited_for or facts.may_start(ref.name):
                        continue
                    flows = [name for name in facts.starters if model.is_flow(name)]
                    yield self.found(
                        ref.location,
                        f'"{flag.key}" names "{ref.name}", but nothing in the flow starts it',
                        note="never started here",
                        help=project.did_you_mean(f"sub-flow of {id(flow)}", ref.name, flows),
                        fixes=fixes_of((f'remove "{ref.name}"', False, ref.location.removed())),
                    )
