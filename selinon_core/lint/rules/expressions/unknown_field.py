from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.expressions.checking.findings import Kind
from selinon_core.lint.expression_rules import ExpressionRule


class UnknownField(ExpressionRule):
    """An expression reads a key, or a position of a list, that the schema does not have.

    What it does: Compares each key with the schema of the value: `output_schema` of a task or a flow, what the
    annotation of `run` says, the output of a flow, `input_schema`; and each position with the length that
    `maxItems` or `prefixItems` allow. Where the schema allows other keys (it has no `additionalProperties`), and
    in `has` and `default`, it is a warning.

    Why it is bad: The key is missing, and whatever needs it fails; most often it is misspelt.

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
              additionalProperties: false
              required: [total, paid, currency, lines]
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition: args.totl > 3

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
              additionalProperties: false
              required: [total, paid, currency, lines]
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition: args.total > 3
    """

    code = "SEL433"
    severity = Severity.ERROR
    title = "key that is not in the schema"
    kinds = (Kind.UNKNOWN_FIELD,)
