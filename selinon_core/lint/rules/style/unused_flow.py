from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.rule import LintContext, Rule


class UnusedFlow(Rule):
    """No flow starts a flow whose name begins with an underscore.

    What it does: Any flow may be run from outside, so a flow that no other flow starts is not a mistake. By
    convention a name with a leading underscore is internal to the project; such a flow is expected to be a
    sub-flow.

    Why it is bad: It is a leftover, or an edge onto it was forgotten.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
          - name: _clean_up
            edges:
              - from:
                to: Notify

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: _clean_up
          - name: _clean_up
            edges:
              - from:
                to: Notify
    """

    code = "SEL904"
    severity = Severity.INFO
    title = "unused internal flow"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        model = project.model
        internal = [flow for name, flow in model.flow_by_name.items() if name.startswith("_")]
        if not internal or model.incomplete:
            return
        facts = [project.facts(flow) for flow in model.flows]
        if not all(fact.reliable for fact in facts):
            return
        for flow in internal:
            name = flow.name.name
            if not any(name in fact.starters for fact in facts if fact.flow is not flow):
                yield self.found(
                    flow.name.location,
                    f'internal flow "{name}" is started by no other flow',
                    note="a leading underscore marks sub-flows",
                )
