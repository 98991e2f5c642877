from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class BadCondition(Rule):
    """A mapping in a condition is none of and, or, not and a predicate.

    What it does: Reports mappings that have none or several of `and`, `or`, `not` and `name`.

    Why it is bad: It is not clear what is meant.

    Example:
        flow-definitions:
          - name: order
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition:
                  name: fieldExist
                  and: [{name: isDict}]

    Use instead:
        flow-definitions:
          - name: order
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition:
                  and: [{name: isDict}, {name: fieldExist, args: {key: id}}]
    """

    code = "SEL111"
    severity = Severity.ERROR
    title = "not a condition"
