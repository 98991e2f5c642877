from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class InvariantOfNothing(Rule):
    """An invariant names nodes or edges that no run of the flow can have.

    What it does: Looks up the nodes, edges and flows of invariants. An invariant of the file that names no
    flow is about every flow that has its nodes.

    Why it is bad: It holds always, so that it protects nothing.

    Example:
        flow: order
        invariants:
          - {name: stored once, at_most: {Stroe: 1}}
        tests:
          - {name: all is well, expect: {ran: [Fetch]}}

    Use instead:
        flow: order
        invariants:
          - {name: stored once, at_most: {Store: 1}}
        tests:
          - {name: all is well, expect: {ran: [Fetch]}}
    """

    code = "SEL809"
    severity = Severity.ERROR
    title = "invariant that names nothing"
