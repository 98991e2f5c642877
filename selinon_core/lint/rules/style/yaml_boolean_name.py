from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class YamlBooleanName(Rule):
    """A name is written as one of YAML's booleans.

    What it does: Reports `on`, `off`, `yes`, `no`, `true` and `false` where a name or text is expected.
    They are taken as written.

    Why it is bad: YAML 1.1 reads them as booleans, and other tools will.

    Example:
        tasks:
          - name: on
            import: lamp.tasks
            classname: SwitchOn
        flow-definitions:
          - name: order
            edges: [{from: , to: on}]

    Use instead:
        tasks:
          - name: "on"
            import: lamp.tasks
            classname: SwitchOn
        flow-definitions:
          - name: order
            edges: [{from: , to: "on"}]
    """

    code = "SEL901"
    severity = Severity.WARNING
    title = "YAML boolean used as a name"
