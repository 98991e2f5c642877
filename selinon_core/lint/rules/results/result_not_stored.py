from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.analysis.results import results_read
from selinon_core.lint.rule import LintContext, Rule


class ResultNotStored(Rule):
    """A condition looks at the result of a task whose storage is read-only.

    What it does: Finds predicates on a result (those with a parameter ``message``) and the task whose result
    they get.

    Why it is bad: With ``storage_readonly`` the task can read its storage, but its result is not stored.

    Example:
        storages:
          - name: Results
            import: selinon.storages.memory
            classname: InMemoryStorage
        tasks:
          - name: Fetch
            import: shop
            storage: Results
            storage_readonly: true
          - name: Store
            import: shop
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

    Use instead:
        storages:
          - name: Results
            import: selinon.storages.memory
            classname: InMemoryStorage
        tasks:
          - name: Fetch
            import: shop
            storage: Results
          - name: Store
            import: shop
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

    code = "SEL402"
    severity = Severity.ERROR
    title = "condition on a result in a read-only storage"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for leaf, task in results_read(project.leaf_uses, project.predicates, project.model):
            if task.storage is not None and task.storage_readonly:
                key = "storage_readonly" if task.given("storage_readonly") else "storage_read_only"
                yield self.found(
                    leaf.name.location if leaf.node is None else leaf.node[-1].location,
                    f'"{leaf.name.name}" looks at the result of "{task.name.name}", whose storage is read-only',
                    note="the result is not stored",
                    related=(Related(task.key_location(key).span, f'"{task.name.name}" is made read-only here'),),
                )
