from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.expressions.checking.findings import Kind
from selinon_core.lint.expression_rules import ExpressionRule


class NotBoolean(ExpressionRule):
    """A condition gives something else than true or false.

    What it does: Works out the types of conditions, and of what stands beside `and`, `or`, `not` and behind
    `if`.

    Why it is bad: There are no values that count as true: the flow fails when the condition is worked out.

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
              - from: Fetch
                to: Store
                condition: args.lines

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
              - from: Fetch
                to: Store
                condition: len(args.lines) > 0
    """

    code = "SEL437"
    severity = Severity.ERROR
    title = "condition that is not a boolean"
    kinds = (Kind.NOT_BOOLEAN,)
