from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class UnusedIgnore(Rule):
    """An ignore comment silences nothing.

    What it does: Reports codes in `# selinon: ignore[...]` that do not occur on the line or in what begins
    on it.

    Why it is bad: The reason is gone; the comment would hide the next mistake.

    Example:
        flow-definitions:
          - name: order
            edges:
              - from:
                to: Fetch   # selinon: ignore[SEL201] comes with the next release

    Use instead:
        flow-definitions:
          - name: order
            edges:
              - from:
                to: Fetch
    """

    code = "SEL190"
    severity = Severity.WARNING
    title = "ignore comment of no use"
