from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class ExpressionSyntax(Rule):
    """A text is not an expression.

    What it does: Reads the texts of conditions and foreach, and those between `${` and `}` in templates, as the
    expression language, and points at the characters where something else has to stand.

    Why it is bad: Nothing can be worked out.

    Example:
        flow-definitions:
          - name: order
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition: Fetch.count => 3 && Fetch.is_new

    Use instead:
        flow-definitions:
          - name: order
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition: Fetch.count >= 3 and Fetch.is_new
    """

    code = "SEL430"
    severity = Severity.ERROR
    title = "text that is not an expression"
