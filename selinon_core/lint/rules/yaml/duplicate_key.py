from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class DuplicateKey(Rule):
    """A mapping has a key twice.

    What it does: Reports a key that stands more than once in one mapping. A key that overrides one of a
    merge key (`<<`) is none.

    Why it is bad: The last one counts and the others are ignored silently; that is rarely what was meant.

    Example:
        flow-definitions:
          - name: order
            max_retry: 1
            max_retry: 3
            edges: [{from: , to: Fetch}]

    Use instead:
        flow-definitions:
          - name: order
            max_retry: 3
            edges: [{from: , to: Fetch}]
    """

    code = "SEL003"
    severity = Severity.WARNING
    title = "duplicate key"
