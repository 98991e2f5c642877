from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.rule import LintContext, Rule


class EmptySemanticsChanged(Rule):
    """``empty`` and ``argsEmpty`` answer the opposite of what they did in Selinon 1.x.

    What it does: Looks at projects that import ``selinon``.
    Mentions every use of the two shipped predicates.

    Why it is bad: They are true when the value is None or has length 0. In Selinon 1.x they were true when it
    had not, so a condition that was written for it has to be negated. A comment silences this where it has
    been looked at.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition:
                  name: empty

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition:
                  name: empty  # selinon: ignore[SEL910] written for the present meaning
    """

    code = "SEL910"
    severity = Severity.INFO
    title = "predicate that differs from Selinon 1.x"
    about_selinon_1 = True

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for use in project.leaf_uses:
            name = use.leaf.name.name
            if name in ("empty", "argsEmpty") and project.predicates.is_shipped(name):
                yield self.found(
                    use.leaf.name.location,
                    f'"{name}" is true for None and for what has length 0; in Selinon 1.x it was the opposite',
                    note="differs from Selinon 1.x",
                )
