from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class NeedlessDelimiters(Rule):
    """A condition or a foreach is written as `${...}`.

    What it does: Reports `${` and `}` around the whole text of a condition or a foreach.

    Why it is bad: These texts are always expressions, and `$` is not a sign of the language. Templates (`args` and
    `output`) have `${...}`, because they are texts otherwise.

    Example:
        flow-definitions:
          - name: order
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition: ${Fetch.count > 3}

    Use instead:
        flow-definitions:
          - name: order
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition: Fetch.count > 3
    """

    code = "SEL446"
    severity = Severity.ERROR
    title = "delimiters around an expression"
