from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class UnknownKey(Rule):
    """A mapping of the language has a key that means nothing.

    What it does: Reports unknown keys of tasks, storages, flows, edges, conditions and so on. A misspelt
    required key is then read as what it was meant to be.

    Why it is bad: The setting would be ignored silently.

    Example:
        flow-definitions:
          - name: order
            max_retries: 3
            edges: [{from: , to: Fetch}]

    Use instead:
        flow-definitions:
          - name: order
            max_retry: 3
            edges: [{from: , to: Fetch}]
    """

    code = "SEL101"
    severity = Severity.ERROR
    title = "unknown key"
