from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class AmbiguousOutcomes(Rule):
    """A list of outcomes is taken by runs that may begin in another order.

    What it does: Under several seeds, or with `driver: production`, reports lists of different outcomes for a
    node of which two runs may exist that do not wait for each other. Whether they do is read off the edges:
    runs of a fan-out, of several edges, or in several flow runs have no order; rounds of a cycle have one.
    `when` with `args`, `visit` or `parent` says which runs an outcome is for; `attempts` begins with the
    first entry in each run.

    Why it is bad: Which run gets which outcome depends on the seed, and so does the verdict.

    Example:
        flow: order
        tests:
          - name: one item of several fails
            seeds: 20
            mocks: {Store: [{error: "Busy: no answer"}, {result: 1}]}
            expect: {status: failure}

    Use instead:
        flow: order
        tests:
          - name: one item of several fails
            seeds: 20
            mocks:
              Store:
                - {when: {args: b}, then: {error: "Busy: no answer"}}
                - {otherwise: {result: 1}}
            expect: {status: failure}
    """

    code = "SEL805"
    severity = Severity.ERROR
    title = "outcomes whose order is open"
