from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import LeafDef, TestDef
from selinon_core.diagnostics import Diagnostic, Severity, fixes_of
from selinon_core.lint.analysis.verdict import Satisfiability
from selinon_core.lint.rule import LintContext, Rule


class AlwaysTrue(Rule):
    """A condition, or a part of one, always holds.

    What it does: Works conditions out for all answers that their predicates can give, as SEL312 does. A plain
    ``alwaysTrue`` says what it means and is information only.

    Why it is bad: The condition decides nothing; it was probably meant otherwise.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition:
                  or:
                    - name: fieldExist
                      args: {key: url}
                    - not:
                        name: fieldExist
                        args: {key: url}

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition:
                  name: fieldExist
                  args: {key: url}
    """

    code = "SEL313"
    severity = Severity.WARNING
    title = "condition that always holds"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for constant in project.constant_parts:
            if constant.verdict is not Satisfiability.ALWAYS:
                continue
            plain = isinstance(constant.part, LeafDef | TestDef)
            yield self.found(
                constant.location,
                "this condition always holds" if constant.whole else "this part of the condition always holds",
                note="decides nothing" if constant.whole else "always true",
                help="leave the condition out: an edge without one always fires" if constant.whole else "",
                severity=Severity.INFO if plain else None,
                fixes=fixes_of(("remove the condition", False, constant.origin.without("condition")))
                if constant.whole
                else (),
            )
