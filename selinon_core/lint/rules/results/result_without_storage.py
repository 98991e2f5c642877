from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.analysis.results import results_read
from selinon_core.lint.rule import LintContext, Rule


class ResultWithoutStorage(Rule):
    """A condition looks at the result of a task that has no storage.

    What it does: Finds predicates on a result (those with a parameter ``message``) and the task whose result
    they get.

    Why it is bad: The result of a task without storage is discarded, so there is nothing to look at.

    Example:
        tasks:
          - name: Fetch
            import: shop
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

    code = "SEL401"
    severity = Severity.ERROR
    title = "condition on a result that is not stored"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for leaf, task in results_read(project.leaf_uses, project.predicates, project.model):
            if task.storage is None and not task.has_value("storage"):
                yield self.found(
                    leaf.name.location if leaf.node is None else leaf.node[-1].location,
                    f'"{leaf.name.name}" looks at the result of "{task.name.name}", which has no storage',
                    note="the result is discarded",
                    help=f'give task "{task.name.name}" a "storage"',
                    related=(Related(task.name.span, f'task "{task.name.name}" is defined here'),),
                )
