from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class DuplicateAnchor(Rule):
    """An anchor's name is defined a second time.

    What it does: Reports the second `&name` of a name.

    Why it is bad: Aliases below it mean another value than aliases above it.

    Example:
        x-slow: &retry {max_retry: 3, retry_countdown: 60}
        x-fast: &retry {max_retry: 3, retry_countdown: 1}
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]
            <<: *retry

    Use instead:
        x-slow: &slow_retry {max_retry: 3, retry_countdown: 60}
        x-fast: &fast_retry {max_retry: 3, retry_countdown: 1}
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]
            <<: *slow_retry
    """

    code = "SEL013"
    severity = Severity.WARNING
    title = "anchor defined again"
