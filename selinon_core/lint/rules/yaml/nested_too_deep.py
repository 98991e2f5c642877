from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class NestedTooDeep(Rule):
    """Lists and mappings are nested hundreds of levels deep.

    What it does: Reports the place from which on the file is not read, because its nesting exceeds any
    sensible depth.

    Why it is bad: No project needs it, and it makes tools run out of stack.

    Example:
        x-data: [[[]]]   # 500 levels
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]

    Use instead:
        x-data: [[[]]]
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]
    """

    code = "SEL008"
    severity = Severity.ERROR
    title = "nested too deep"
