from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.expressions.checking.findings import Kind
from selinon_core.lint.expression_rules import ExpressionRule


class MissingValue(ExpressionRule):
    """An expression needs a value that may be missing, or null.

    What it does: Finds keys that a schema does not require, values that may be null, and nodes that have not run
    on each way that leads to the place. Tests before count: `has(x) and`, `x != null and`, `default(x,
    ...)`, `... if has(x) else ...`.

    Why it is bad: Whatever needs the value fails in the runs in which it is not there.

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
                condition: len(args.note) > 3

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
                condition: len(default(args.note, "")) > 3
    """

    code = "SEL435"
    severity = Severity.WARNING
    title = "value that may be missing or null"
    kinds = (Kind.MAY_BE_MISSING,)
