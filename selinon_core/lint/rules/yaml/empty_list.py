from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class EmptyList(Rule):
    """A list that needs an entry is empty.

    What it does: Reports `[]` under `edges`, `to`, `nodes`, `and`, `or` and `not`. Elsewhere an empty list
    means that the key is not given.

    Why it is bad: Nothing could ever start, or the condition has no value.

    Example:
        flow-definitions:
          - name: order
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: []

    Use instead:
        flow-definitions:
          - name: order
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
    """

    code = "SEL107"
    severity = Severity.ERROR
    title = "empty list"
