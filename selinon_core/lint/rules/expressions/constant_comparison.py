from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.expressions.checking.findings import Kind
from selinon_core.lint.expression_rules import ExpressionRule


class ConstantComparison(ExpressionRule):
    """A comparison is never true, or always.

    What it does: Compares the types of both sides: values that the schema does not allow are never equal, never
    in a list; what a schema requires is always there. `enum` and `const` count, and of numbers and texts their
    bounds (`minimum`, `exclusiveMaximum`, `maxLength`, ...) and their `pattern`.

    Why it is bad: The test decides nothing. Most often a value is misspelt, or has another type.

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
                condition: args.currency == "euro"

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
                condition: args.currency == "eur"
    """

    code = "SEL436"
    severity = Severity.WARNING
    title = "comparison with one possible result"
    kinds = (Kind.CONSTANT,)
