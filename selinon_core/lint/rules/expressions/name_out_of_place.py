from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.analysis.dataflow.places import PLACE
from selinon_core.lint.expression_rules import ExpressionRule


class NameOutOfPlace(ExpressionRule):
    """An expression uses `item`, `index`, `failed`, `all` or `last` where there is none.

    What it does: `item` and `index` are known in `args` of an edge with `foreach`; `failed` in `args` of
    failures and of edges behind a fallback; `all` and `last` in `output`.

    Why it is bad: The name has no value there.

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
                args: {line: "${item}"}

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
                args: {line: "${item}"}
    """

    code = "SEL439"
    severity = Severity.ERROR
    title = "name that has no value in this place"
    reasons = (PLACE,)
