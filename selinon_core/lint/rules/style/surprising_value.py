from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class SurprisingValue(Rule):
    """A value is not what it seems, because YAML 1.1 reads it in its own way.

    What it does: Looks at unquoted values in ``args``, in ``configuration`` and where numbers are expected: octal
    numbers (`01234`), binary ones, numbers to the base of 60 (`12:30:00`), numbers with underscores, and `yes`,
    `no`, `on` and `off`.

    Why it is bad: `01234` is 668, `12:30:00` is 45000 and `no` is false. A condition that compares with such a
    value never holds, and a password becomes a number.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition:
                  name: fieldEqual
                  args: {key: zip, value: 01234}

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition:
                  name: fieldEqual
                  args: {key: zip, value: "01234"}
    """

    code = "SEL915"
    severity = Severity.WARNING
    title = "value that YAML 1.1 reads in its own way"
