from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import EdgeDef
from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.analysis.verdict import Satisfiability
from selinon_core.lint.rule import LintContext, Rule


class NeverTrue(Rule):
    """A condition, or a part of one, can never hold.

    What it does: Works conditions out for all answers that their predicates can give: equal calls have equal
    answers, and the shipped predicates on one field exclude each other (a field is not both 1 and 2).
    Predicates of the project may answer anything.

    Why it is bad: The edge never fires, or the part adds nothing; it was probably meant otherwise.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: [Fetch, Store]
              - from: Fetch
                to: Store
                condition:
                  and:
                    - name: fieldEqual
                      args: {key: status, value: new}
                    - name: fieldEqual
                      args: {key: status, value: changed}

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: [Fetch, Store]
              - from: Fetch
                to: Store
                condition:
                  or:
                    - name: fieldEqual
                      args: {key: status, value: new}
                    - name: fieldEqual
                      args: {key: status, value: changed}
    """

    code = "SEL312"
    severity = Severity.WARNING
    title = "condition that never holds"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for constant in project.constant_parts:
            if constant.verdict is not Satisfiability.NEVER:
                continue
            never = "the edge never fires" if isinstance(constant.origin, EdgeDef) else "the fallback never runs"
            yield self.found(
                constant.location,
                "this condition can never hold" if constant.whole else "this part of the condition can never hold",
                note=never if constant.whole else "always false",
            )
