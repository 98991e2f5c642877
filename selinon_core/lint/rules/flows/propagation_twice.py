from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import FlowDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.analysis.flags import COMPOUND_FAILURES, COMPOUND_FINISHED, FAILURES, FINISHED, Flag
from selinon_core.lint.rule import LintContext, Rule


class PropagationTwice(Rule):
    """The tasks of a sub-flow are to be collected both nested and flattened.

    What it does: Compares ``propagate_finished`` with ``propagate_compound_finished`` and
    ``propagate_failures`` with ``propagate_compound_failures``; ``true`` names all sub-flows.

    Why it is bad: There is one place for what a sub-flow did, and it cannot have two forms.

    Example:
        flow-definitions:
          - name: nightly
            propagate_finished: true
            propagate_compound_finished: publish
            edges:
              - from:
                to: publish
              - from: publish
                to: Report

    Use instead:
        flow-definitions:
          - name: nightly
            propagate_compound_finished: publish
            edges:
              - from:
                to: publish
              - from: publish
                to: Report
    """

    code = "SEL417"
    severity = Severity.ERROR
    title = "propagation both nested and flattened"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            yield from self._compare(flow, FINISHED, COMPOUND_FINISHED)
            yield from self._compare(flow, FAILURES, COMPOUND_FAILURES)

    def _compare(self, flow: FlowDef, nested: Flag, flattened: Flag) -> Iterator[Diagnostic]:
        one, other = nested.names(flow), flattened.names(flow)
        if not one or not other:
            return
        if one.everything or other.everything:
            yield self.found(
                flow.key_location(flattened.key),
                f'"{nested.key}" and "{flattened.key}" name the same sub-flows',
                note="true means all of them",
                help="list the flows of each separately",
                related=(Related(flow.key_location(nested.key).span, f'"{nested.key}" is set here'),),
            )
            return
        first = {ref.name: ref for ref in one.refs}
        for ref in other.refs:
            if ref.name in first:
                yield self.found(
                    ref.location,
                    f'"{ref.name}" is named by "{nested.key}" and "{flattened.key}"',
                    note="a flow can be in one of them",
                    related=(Related(first[ref.name].span, "also named here"),),
                )
