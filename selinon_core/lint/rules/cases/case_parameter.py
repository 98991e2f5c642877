from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class CaseParameter(Rule):
    """A test case uses a parameter that it does not have, or has one that it does not use.

    What it does: Compares the names of `parameters` or `matrix` with the values that are exactly `$name`, and
    with `$name` in the name of the case. Every row has the same parameters. `$$` is a dollar. Inside a longer
    text a parameter stays the text that it is, which is reported too.

    Why it is bad: A misspelt parameter would be the text `$name`, and one that is not used makes equal cases
    look different.

    Example:
        flow: order
        tests:
          - name: parsed at attempt $attempt
            parameters: [{attempt: 1}, {attempt: 2}]
            expect: {attempts: {Fetch: $atempt}}

    Use instead:
        flow: order
        tests:
          - name: parsed at attempt $attempt
            parameters: [{attempt: 1}, {attempt: 2}]
            expect: {attempts: {Fetch: $attempt}}
    """

    code = "SEL807"
    severity = Severity.ERROR
    title = "parameter that is unknown or unused"
