from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.expressions.checking.findings import Kind
from selinon_core.lint.expression_rules import ExpressionRule


class WrongOperand(ExpressionRule):
    """An operator, a function or a text is given a value of a type that it does not take.

    What it does: Works out the type of every part of an expression from the schemas. Texts and numbers do not
    compare or add up, only objects have keys, only lists have positions. Where some values of the type are taken
    and others are not, it is a warning. Constants that always fail are reported too: a division by 0,
    float("abc"), min([]), also where they are those of "vars" or of an enumeration.

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
                condition: args.total > "3"

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
                condition: args.total > 3
    """

    code = "SEL434"
    severity = Severity.ERROR
    title = "value of a wrong type in an expression"
    kinds = (Kind.WRONG_TYPE,)
