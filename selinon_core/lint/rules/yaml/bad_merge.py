from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class BadMerge(Rule):
    """A merge key (`<<`) has a value that is not a mapping.

    What it does: Reports merge keys whose value is neither a mapping nor a list of mappings.

    Why it is bad: There are no keys to merge.

    Example:
        x-patient: &patient {max_retry: 3, retry_countdown: 10}
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]
            <<: patient

    Use instead:
        x-patient: &patient {max_retry: 3, retry_countdown: 10}
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]
            <<: *patient
    """

    code = "SEL010"
    severity = Severity.ERROR
    title = "merge of something else than a mapping"
