from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.expressions.checking.findings import Kind
from selinon_core.lint.expression_rules import ExpressionRule


class UnknownFunction(ExpressionRule):
    """An expression calls a function that there is not, or with a wrong number of arguments.

    What it does: Compares calls with the functions of the language. There are no others, and values have no
    methods.

    Why it is bad: The expression cannot be worked out.

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
                condition: length(args.lines) > 3

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
                condition: len(args.lines) > 3
    """

    code = "SEL432"
    severity = Severity.ERROR
    title = "unknown function, or wrong number of arguments"
    kinds = (Kind.UNKNOWN_FUNCTION, Kind.ARGUMENTS)
