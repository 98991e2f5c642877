from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class UnusedMock(Rule):
    """A rule of a mock is never reached, or a mock is of a node that the flow does not start.

    What it does: Reports rules behind an `otherwise`, rules behind one that takes every attempt they are for,
    and mocks in a case of nodes that neither its flow nor a flow below has. `selinon test` reports mocks that
    no run has used under the same code.

    Why it is bad: The author of the case thinks that the outcome is tested, and it is not.

    Example:
        flow: order
        tests:
          - name: one item fails
            mocks:
              Store:
                - {otherwise: {result: 1}}
                - {when: {args: b}, then: {error: "Busy: no answer"}}
            expect: {ran: [Store]}

    Use instead:
        flow: order
        tests:
          - name: one item fails
            mocks:
              Store:
                - {when: {args: b}, then: {error: "Busy: no answer"}}
                - {otherwise: {result: 1}}
            expect: {ran: [Store]}
    """

    code = "SEL804"
    severity = Severity.WARNING
    title = "mock or rule that is never used"
