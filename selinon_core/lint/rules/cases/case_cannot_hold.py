from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class CaseCannotHold(Rule):
    """Expectations of a test case contradict each other, or no run of the flow can meet them.

    What it does: Reports nodes that are expected to run and not to run, values expected of a node that does
    not run, lists that have another length than `runs` says, edges that fire more often than they are
    considered, statuses that do not exist, and nodes that the flow of the case does not have.

    Why it is bad: The case fails whatever the flow does.

    Example:
        flow: order
        tests:
          - name: parsed
            expect:
              ran: [Fetch, Parse]
              not_ran: [Parse]

    Use instead:
        flow: order
        tests:
          - name: parsed
            expect:
              ran: [Fetch, Parse]
              not_ran: [Rescue]
    """

    code = "SEL802"
    severity = Severity.ERROR
    title = "expectation that cannot hold"
