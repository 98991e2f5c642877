from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class CaseMock(Rule):
    """A mock says what the mocked task, sub-flow or edge cannot do.

    What it does: Checks results of mocks against the task's `output_schema`, or without one against the
    annotation of `run`, and outcomes against what is
    mocked: a task has a result, an error, a fatal error or a retry; a sub-flow finishes or fails. `check:
    present` takes a result in which keys are missing, `check: none` takes any. With `driver: production` no
    sub-flow is mocked as a whole.

    Why it is bad: The test runs the flow with values that it never gets, so that it passes where the flow
    fails and the other way round.

    Example:
        flow: order
        tests:
          - name: the total is read
            mocks: {Parse: {result: {total: many}}}
            expect: {ran: [Parse]}

    Use instead:
        flow: order
        tests:
          - name: the total is read
            mocks: {Parse: {result: {total: 7}}}
            expect: {ran: [Parse]}
    """

    code = "SEL803"
    severity = Severity.ERROR
    title = "mock that does not fit"
