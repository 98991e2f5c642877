from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.expressions.checking.findings import Kind
from selinon_core.lint.analysis.dataflow.findings import Found
from selinon_core.lint.analysis.dataflow.places import Part
from selinon_core.lint.expression_rules import ExpressionRule
from selinon_core.lint.rule import LintContext


class UnknownName(ExpressionRule):
    """An expression uses a name that there is not.

    What it does: Looks up each name of an expression: the nodes that run before, `args`, constants of `vars`,
    variables of `env`, and in their places `item`, `index`, `failed`, `all` and `last`.

    Why it is bad: The name has no value, and whatever needs it fails.

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
                condition: Fetsh.count > 3

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
                condition: Fetch.count > 3
    """

    code = "SEL431"
    severity = Severity.ERROR
    title = "unknown name in an expression"
    kinds = (Kind.UNKNOWN_NAME,)

    def help_for(self, project: LintContext, found: Found) -> str:
        help = super().help_for(project, found)
        if help or found.part is not Part.FOREACH or "." not in found.expression.text:
            return help
        return "a function is named by a mapping: {import: module, function: name}"
