from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.analysis.uses import repeated_definitions
from selinon_core.lint.rule import LintContext, Rule


class DuplicateStorage(Rule):
    """Two storages have one name.

    What it does: Compares the names of the storages of all files.

    Why it is bad: Tasks refer to storages by name, so it is not clear which of the two is meant.

    Example:
        storages:
          - name: Results
            import: selinon.storages.redis
            classname: Redis
          - name: Results
            import: selinon.storages.memory
            classname: InMemoryStorage
        tasks:
          - name: Fetch
            import: shop
            storage: Results
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch

    Use instead:
        storages:
          - name: Results
            import: selinon.storages.redis
            classname: Redis
        tasks:
          - name: Fetch
            import: shop
            storage: Results
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
    """

    code = "SEL209"
    severity = Severity.ERROR
    title = "storage defined twice"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for name, first, fixes in repeated_definitions(project.model.storages):
            yield self.found(
                name.location,
                f'storage "{name.name}" is defined twice',
                note="a second definition",
                related=(first,),
                fixes=fixes,
            )
