from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class GivenTwice(Rule):
    """A key of `global` is given in more than one file.

    What it does: Reports the later one, which counts.

    Why it is bad: Which file comes last is easily changed by accident.

    Example:
        # more.yaml
        #   global: {default_task_queue: slow}
        global: {default_task_queue: fast}
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]

    Use instead:
        global: {default_task_queue: fast}
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]
    """

    code = "SEL109"
    severity = Severity.WARNING
    title = "setting given in several files"
