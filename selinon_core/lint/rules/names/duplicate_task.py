from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.analysis.uses import repeated_definitions
from selinon_core.lint.rule import LintContext, Rule


class DuplicateTask(Rule):
    """Two tasks have one name.

    What it does: Compares the names of the tasks of all files.

    Why it is bad: Flows refer to tasks by name, so it is not clear which of the two is meant.

    Example:
        tasks:
          - name: Fetch
            import: shop
          - name: Fetch
            import: shop.other
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch

    Use instead:
        tasks:
          - name: Fetch
            import: shop
          - name: FetchOther
            import: shop.other
            classname: Fetch
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: [Fetch, FetchOther]
    """

    code = "SEL207"
    severity = Severity.ERROR
    title = "task defined twice"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for name, first, fixes in repeated_definitions(project.model.tasks):
            yield self.found(
                name.location,
                f'task "{name.name}" is defined twice',
                note="a second definition",
                related=(first,),
                fixes=fixes,
            )
