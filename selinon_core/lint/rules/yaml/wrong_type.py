from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class WrongType(Rule):
    """A value is of the wrong type.

    What it does: Reports values that are not of the type their key needs. Mind that YAML reads `yes` as a
    boolean and `12:30` as a number.

    Why it is bad: The value cannot be used.

    Example:
        flow-definitions:
          - name: order
            max_retry: many
            edges: [{from: , to: Fetch}]

    Use instead:
        flow-definitions:
          - name: order
            max_retry: 3
            edges: [{from: , to: Fetch}]
    """

    code = "SEL104"
    severity = Severity.ERROR
    title = "wrong type"
