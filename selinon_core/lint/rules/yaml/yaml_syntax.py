from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class YamlSyntax(Rule):
    """The text is not YAML.

    What it does: Reports the place at which the parser could not go on. What is complete before it is still
    checked.

    Why it is bad: Nothing behind the place can be read.

    Example:
        flow-definitions:
          - name: order
            edges:
              - from:
                to: 'Fetch

    Use instead:
        flow-definitions:
          - name: order
            edges:
              - from:
                to: 'Fetch'
    """

    code = "SEL001"
    severity = Severity.ERROR
    title = "YAML syntax error"
