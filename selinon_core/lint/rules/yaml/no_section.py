from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class NoSection(Rule):
    """A file that was named has none of the five sections.

    What it does: Reports files that were named on purpose and have no `tasks`, `flows`, `storages`,
    `global` or `flow-definitions`. Files found by searching a directory are passed over, unless what stands
    under a misspelt key looks like a section.

    Why it is bad: Most likely the wrong file was named, or a key is misspelt.

    Example:
        - name: order
          edges: [{from: , to: Fetch}]

    Use instead:
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]
    """

    code = "SEL100"
    severity = Severity.ERROR
    title = "file without any section"
