from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class UnknownAlias(Rule):
    """An alias refers to an anchor that is not defined above it.

    What it does: Reports `*name` for which no `&name` stands earlier in the same file.

    Why it is bad: Anchors do not reach over files, and the value is missing.

    Example:
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]
            <<: *patient

    Use instead:
        x-patient: &patient {max_retry: 3, retry_countdown: 10}
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]
            <<: *patient
    """

    code = "SEL005"
    severity = Severity.ERROR
    title = "unknown alias"
