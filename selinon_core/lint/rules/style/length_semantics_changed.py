from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.rule import LintContext, Rule

_NAMES = ("fieldLenGreaterEqual", "argsFieldLenGreaterEqual")


class LengthSemanticsChanged(Rule):
    """``fieldLenGreaterEqual`` answers the opposite of what it did in Selinon 1.x.

    What it does: Looks at projects that import ``selinon``.
    Mentions every use of the shipped ``fieldLenGreaterEqual`` and ``argsFieldLenGreaterEqual``.

    Why it is bad: They are true when the field has at least ``length`` items. In Selinon 1.x they were true
    when it had at most so many, so a condition that was tried out there means ``fieldLenLessEqual`` now. A
    comment silences this where it has been looked at.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition:
                  name: fieldLenGreaterEqual
                  args: {key: pages, length: 2}

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition:
                  name: fieldLenGreaterEqual  # selinon: ignore[SEL912] at least two is meant
                  args: {key: pages, length: 2}
    """

    code = "SEL912"
    severity = Severity.INFO
    title = "length predicate that differs from Selinon 1.x"
    about_selinon_1 = True

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for use in project.leaf_uses:
            name = use.leaf.name.name
            if name in ("fieldLenGreaterEqual", "argsFieldLenGreaterEqual") and project.predicates.is_shipped(
                name
            ):
                yield self.found(
                    use.leaf.name.location,
                    f'"{name}" is true from `length` upwards; in Selinon 1.x it was true up to `length`',
                    note="differs from Selinon 1.x",
                )
