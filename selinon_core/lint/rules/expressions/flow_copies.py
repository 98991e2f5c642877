from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class FlowCopies(Rule):
    """A flow is like a flow that does not exist, or like itself.

    What it does: Follows `like` from flow to flow, and reports names of no flow and circles.

    Why it is bad: There are no edges to copy.

    Example:
        flow-definitions:
          - name: europe
            edges:
              - from:
                to: Fetch
          - name: america
            like: evrope
            queue: america

    Use instead:
        flow-definitions:
          - name: europe
            edges:
              - from:
                to: Fetch
          - name: america
            like: europe
            queue: america
    """

    code = "SEL448"
    severity = Severity.ERROR
    title = "copy of a flow that leads nowhere"
