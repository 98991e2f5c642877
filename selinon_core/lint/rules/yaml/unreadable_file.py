from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class UnreadableFile(Rule):
    """A file cannot be read, or is not text in UTF-8.

    What it does: Reports files that cannot be opened and bytes that are not text. UTF-16 with a byte order
    mark is read too.

    Why it is bad: What the file defines is missing from the project.

    Example:
        # saved as Latin-1
        flow-definitions:
          - name: order
            queue: bücher
            edges: [{from: , to: Fetch}]

    Use instead:
        # saved as UTF-8
        flow-definitions:
          - name: order
            queue: bücher
            edges: [{from: , to: Fetch}]
    """

    code = "SEL002"
    severity = Severity.ERROR
    title = "file cannot be read"
