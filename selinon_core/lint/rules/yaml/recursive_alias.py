from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class RecursiveAlias(Rule):
    """An alias stands inside the value it refers to.

    What it does: Reports an alias within its own anchor.

    Why it is bad: The value would contain itself without end.

    Example:
        x-shared: &shared
          inner: *shared
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]

    Use instead:
        x-shared: &shared
          inner: {}
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]
    """

    code = "SEL006"
    severity = Severity.ERROR
    title = "recursive alias"
