from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class ExpansionTooLarge(Rule):
    """Aliases make the file much larger than it is.

    What it does: Reports a file whose aliases or merge keys would expand to hundreds of thousands of
    values.

    Why it is bad: A few lines of nested aliases can stand for billions of values; the file is not read.

    Example:
        x-a: &a [x, x, x, x, x, x, x, x, x, x]
        x-b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
        x-c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
        x-d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
        x-e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
        x-f: [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]

    Use instead:
        x-a: &a [x, x, x, x, x, x, x, x, x, x]
        x-b: [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]
    """

    code = "SEL007"
    severity = Severity.ERROR
    title = "aliases expand too far"
