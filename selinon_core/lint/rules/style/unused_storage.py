from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity, fixes_of
from selinon_core.lint.rule import LintContext, Rule


class UnusedStorage(Rule):
    """No task and no trace entry uses a storage.

    What it does: Compares the storages with what tasks and trace entries name.

    Why it is bad: It does no harm, but it is a leftover, or a task was to store its results there.

    Example:
        storages:
          - name: Results
            import: selinon.storages.memory
            classname: InMemoryStorage
        tasks:
          - name: Fetch
            import: shop
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch

    Use instead:
        storages:
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
    """

    code = "SEL903"
    severity = Severity.WARNING
    title = "unused storage"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        model = project.model
        if model.incomplete or not model.tasks:
            return
        used = {task.storage.name for task in model.tasks if task.storage is not None}
        used |= {trace.storage.name for trace in model.settings.trace if trace.storage is not None}
        misspelt = [name for name in used if name not in model.storage_by_name]
        meant = (project.closest("storage", name, model.storage_by_name) for name in misspelt)
        used.update(name for name in meant if name is not None)
        if any(task.storage is None and task.has_value("storage") for task in model.tasks):
            return  # one of them cannot be read
        for name, storage in model.storage_by_name.items():
            if name not in used:
                yield self.found(
                    storage.name.location,
                    f'storage "{name}" is used by no task',
                    note="never used",
                    fixes=fixes_of((f'remove storage "{name}"', False, storage.location.removed())),
                )
