from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class BadName(Rule):
    """A name has characters that names cannot have, or too many.

    What it does: Reports names of tasks and flows that are not letters, digits and underscores, names of modules,
    classes and functions that Python cannot have, and names of more than 255 characters.

    Why it is bad: Flows could not refer to it, it cannot be imported, or workers refuse messages about it.

    Example:
        tasks:
          - name: charge-card
            import: shop/tasks
            classname: ChargeCard
        flow-definitions:
          - name: order
            edges: [{from: , to: charge-card}]

    Use instead:
        tasks:
          - name: charge_card
            import: shop.tasks
            classname: ChargeCard
        flow-definitions:
          - name: order
            edges: [{from: , to: charge_card}]
    """

    code = "SEL106"
    severity = Severity.ERROR
    title = "bad name"
