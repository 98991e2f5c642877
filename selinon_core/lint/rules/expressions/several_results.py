from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.expressions.checking.findings import Finding
from selinon_core.lint.analysis.dataflow.findings import Found
from selinon_core.lint.analysis.dataflow.places import ALWAYS_SEVERAL, SEVERAL, Part
from selinon_core.lint.expression_rules import ExpressionRule


class SeveralResults(ExpressionRule):
    """The output of a flow names a node that may have several runs.

    What it does: Looks for nodes in `output` that a foreach, a cycle or two edges may start more than once.
    Where they always run more than once it is an error.

    Why it is bad: A name alone is the only run of its node; with several the flow fails.

    Example:
        flow-definitions:
          - name: order
            input_schema:
              type: object
              properties:
                total: {type: number}
                note: {type: string}
                paid: {type: boolean}
                currency: {enum: [eur, usd]}
                lines: {type: array, items: {type: string}}
              required: [total, paid, currency, lines]
            edges:
              - from:
                to: Fetch
                foreach: args.lines
            output: ${Fetch.page}

    Use instead:
        flow-definitions:
          - name: order
            input_schema:
              type: object
              properties:
                total: {type: number}
                note: {type: string}
                paid: {type: boolean}
                currency: {enum: [eur, usd]}
                lines: {type: array, items: {type: string}}
              required: [total, paid, currency, lines]
            edges:
              - from:
                to: Fetch
                foreach: args.lines
            output: ${[one.page for one in all.Fetch]}
    """

    code = "SEL447"
    severity = Severity.WARNING
    title = "output that names a node with several runs"
    reasons = (SEVERAL, ALWAYS_SEVERAL)

    def concerns(self, found: Found) -> bool:
        return found.part is Part.OUTPUT

    def severity_of(self, finding: Finding) -> Severity:
        return Severity.ERROR if finding.reason == ALWAYS_SEVERAL else Severity.WARNING
