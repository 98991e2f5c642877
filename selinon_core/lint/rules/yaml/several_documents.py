from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class SeveralDocuments(Rule):
    """A file holds a second YAML document.

    What it does: Reports a `---` behind content. What stands above it is read.

    Why it is bad: The documents behind the first would be ignored.

    Example:
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]
        ---
        flow-definitions:
          - name: refund
            edges: [{from: , to: Store}]

    Use instead:
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]
          - name: refund
            edges: [{from: , to: Store}]
    """

    code = "SEL009"
    severity = Severity.ERROR
    title = "several documents in a file"
