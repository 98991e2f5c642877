from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class MissingKey(Rule):
    """A required key is missing or has no value.

    What it does: Reports required keys that are not given; null and an empty list count as not given.

    Why it is bad: There is no default.

    Example:
        tasks:
          - name: Fetch
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]

    Use instead:
        tasks:
          - name: Fetch
            import: shop.tasks
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]
    """

    code = "SEL103"
    severity = Severity.ERROR
    title = "missing key"
