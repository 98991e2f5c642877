from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class UnknownSection(Rule):
    """A file has a top-level key that means nothing.

    What it does: Reports unknown keys beside `tasks`, `flows`, `storages`, `global` and `flow-definitions`.
    Keys that begin with `x-` are yours. Where the key is nearly one of `tasks`, `storages` and
    `flow-definitions`, and what stands under it looks like that section, this is an error.

    Why it is bad: It is ignored, which hides a misspelling.

    Example:
        flow: [order]
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]

    Use instead:
        flows: [order, publish]
        x-mine: {}
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]
    """

    code = "SEL102"
    severity = Severity.WARNING
    title = "unknown top-level key"
