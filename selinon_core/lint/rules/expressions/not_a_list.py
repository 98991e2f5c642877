from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.expressions.checking.findings import Kind
from selinon_core.lint.expression_rules import ExpressionRule


class NotAList(ExpressionRule):
    """A foreach goes through something that is not a list.

    What it does: Works out the type of the expression of each foreach.

    Why it is bad: There are no items: the flow fails when the foreach is worked out.

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
                foreach: args.total

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
    """

    code = "SEL438"
    severity = Severity.ERROR
    title = "foreach over what is not a list"
    kinds = (Kind.NOT_A_LIST,)
