from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class CaseShape(Rule):
    """A case file does not have the form of one.

    What it does: Reports everything that the readers find wrong with a `*.flowtest.yaml` file: YAML that
    cannot be read, unknown and missing keys, values of the wrong type, outcomes and matchers that mean
    nothing, keys that exclude each other, a file without tests. The keys of a case file are described by
    `selinon schema --tests`.

    Why it is bad: The case would test something else than it says, or nothing.

    Example:
        flow: order
        tests:
          - name: all is well
            expct: {ran: [Parse]}

    Use instead:
        flow: order
        tests:
          - name: all is well
            expect: {ran: [Parse]}
    """

    code = "SEL800"
    severity = Severity.ERROR
    title = "case file that cannot be read"
