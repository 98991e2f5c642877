from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.analysis.uses import repeated_definitions
from selinon_core.lint.rule import LintContext, Rule


class DuplicateFlow(Rule):
    """Two flows have one name.

    What it does: Compares the names of the flows of all files.

    Why it is bad: Flows are run and referred to by name, so it is not clear which of the two is meant.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
          - name: nightly
            edges:
              - from:
                to: [Fetch, Report]

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
          - name: weekly
            edges:
              - from:
                to: [Fetch, Report]
    """

    code = "SEL208"
    severity = Severity.ERROR
    title = "flow defined twice"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for name, first, fixes in repeated_definitions(project.model.flows):
            yield self.found(
                name.location,
                f'flow "{name.name}" is defined twice',
                note="a second definition",
                related=(first,),
                fixes=fixes,
            )
