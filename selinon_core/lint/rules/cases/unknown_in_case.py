from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class UnknownInCase(Rule):
    """A test case names a node, flow, edge, function or storage that the project does not have.

    What it does: Looks up every name in mocks, expectations and options of a case. Nodes are `Name` (in the
    flow of the case), `flow/Name` or `outer/inner/Name`; edges are their name or their ends, as in `[A, B] ->
    C`.

    Why it is bad: A mock of a misspelt task mocks nothing, and what is expected of a misspelt node says
    nothing about the flow.

    Example:
        flow: order
        tests:
          - name: nothing to report
            mocks: {Fecth: {result: {total: 0}}}
            expect: {not_ran: [Parse]}

    Use instead:
        flow: order
        tests:
          - name: nothing to report
            mocks: {Fetch: {result: {total: 0}}}
            expect: {not_ran: [Parse]}
    """

    code = "SEL801"
    severity = Severity.ERROR
    title = "test case names what is unknown"
