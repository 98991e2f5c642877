from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class BadKey(Rule):
    """A list or mapping is used as a key.

    What it does: Reports keys that are not single values.

    Why it is bad: No key of the language is one, and data with such keys cannot be passed on.

    Example:
        x-data:
          {a: b}: c
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]

    Use instead:
        x-data:
          a: b
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]
    """

    code = "SEL011"
    severity = Severity.ERROR
    title = "key is a list or mapping"
