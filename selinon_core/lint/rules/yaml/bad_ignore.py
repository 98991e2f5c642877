from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class BadIgnore(Rule):
    """An ignore comment does not name a code.

    What it does: Reports ignore comments without codes, codes that are not `SEL` and three digits, and codes that
    no rule has. Nothing is ignored then. Names of what other commands find (`cover-edge-no`) are left to these.

    Why it is bad: An ignore without a code would hide any mistake.

    Example:
        flow-definitions:
          - name: order
            edges:
              - from:
                to: Fetch   # selinon: ignore

    Use instead:
        flow-definitions:
          - name: order
            edges:
              - from:
                to: Fecth   # selinon: ignore[SEL201] comes with the next release
    """

    code = "SEL191"
    severity = Severity.WARNING
    title = "ignore comment without codes"
