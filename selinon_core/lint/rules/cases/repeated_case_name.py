from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class RepeatedCaseName(Rule):
    """Two test cases of a file, or two invariants, have the same name.

    What it does: Compares the names of all cases of a file once their parameters are filled in, and the names
    of invariants.

    Why it is bad: Reports, `-k` and `--last-failed` could not tell them apart.

    Example:
        flow: order
        tests:
          - {name: all is well, expect: {ran: [Fetch]}}
          - {name: all is well, expect: {ran: [Parse]}}

    Use instead:
        flow: order
        tests:
          - {name: it is fetched, expect: {ran: [Fetch]}}
          - {name: it is parsed, expect: {ran: [Parse]}}
    """

    code = "SEL806"
    severity = Severity.ERROR
    title = "case name that is taken"
