from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class BadScalar(Rule):
    """A value does not fit the tag it carries.

    What it does: Reports values such as `!!int many`.

    Why it is bad: The value has no meaning.

    Example:
        flow-definitions:
          - name: order
            max_retry: !!int many
            edges: [{from: , to: Fetch}]

    Use instead:
        flow-definitions:
          - name: order
            max_retry: 3
            edges: [{from: , to: Fetch}]
    """

    code = "SEL012"
    severity = Severity.ERROR
    title = "value does not fit its tag"
