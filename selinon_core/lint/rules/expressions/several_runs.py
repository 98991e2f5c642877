from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.analysis.dataflow.findings import Found
from selinon_core.lint.analysis.dataflow.places import SEVERAL, Part
from selinon_core.lint.expression_rules import ExpressionRule


class SeveralRuns(ExpressionRule):
    """An expression names a node of which several runs may lie before it.

    What it does: Looks for nodes that may run more than once and to which two ways lead that come together. A
    source of the edge is never meant twice.

    Why it is bad: It is not clear which run is meant: the node that needs the value fails.

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
              - from: Fetch
                to: [Parse, Report]
              - from: [Parse, Report]
                to: Store
                args: {page: "${Fetch.page}"}

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
              - from: Fetch
                to: [Parse, Report]
              - from: [Fetch, Parse, Report]
                to: Store
                args: {page: "${Fetch.page}"}
    """

    code = "SEL440"
    severity = Severity.WARNING
    title = "node of which several runs may be meant"
    reasons = (SEVERAL,)

    def concerns(self, found: Found) -> bool:
        return found.part is not Part.OUTPUT
