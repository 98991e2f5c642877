from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class WrongValue(Rule):
    """A value is of the right type but not allowed.

    What it does: Reports numbers that are too small or too large, and words that are none of those allowed.

    Why it is bad: The value cannot be used.

    Example:
        flow-definitions:
          - name: order
            max_retry: -1
            edges: [{from: , to: Fetch}]

    Use instead:
        flow-definitions:
          - name: order
            max_retry: 0
            edges: [{from: , to: Fetch}]
    """

    code = "SEL105"
    severity = Severity.ERROR
    title = "value out of range"
