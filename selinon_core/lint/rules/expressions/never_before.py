from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.analysis.dataflow.places import NEVER_RUNS
from selinon_core.lint.expression_rules import ExpressionRule


class NeverBefore(ExpressionRule):
    """An expression names a node that never runs before it.

    What it does: Follows the edges backwards. Only nodes on a way that leads to the edge have a result there; a
    failed node that a fallback handles has none.

    Why it is bad: There is no value, in any run.

    Example:
        flow-definitions:
          - name: order
            edges:
              - from:
                to: [Fetch, Parse]
              - from: Fetch
                to: Store
                args: {text: "${Parse.text}"}

    Use instead:
        flow-definitions:
          - name: order
            edges:
              - from:
                to: [Fetch, Parse]
              - from: [Fetch, Parse]
                to: Store
                args: {text: "${Parse.text}"}
    """

    code = "SEL441"
    severity = Severity.ERROR
    title = "node that never runs before"
    reasons = (NEVER_RUNS,)
