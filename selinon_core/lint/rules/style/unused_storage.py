from __future__ import annotations

import os
from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity, fixes_of
from selinon_core.lint.analysis.code_uses import modules_named
from selinon_core.lint.rule import LintContext, Rule


class UnusedStorage(Rule):
    """No task and no trace entry uses a storage.

    What it does: Compares the storages with what tasks and trace entries name. A storage whose name is a text in
    a module that the project names, or in one that such a module imports, is used: code may ask for it by name,
    ``StoragePool.get_connected_storage("Results")``. It is a warning where all these modules
    can be read.

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
    severity = Severity.INFO
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
            is_asked_for = False if name in used else _is_asked_for(project, name)
            if name not in used and is_asked_for is not True:
                yield self.found(
                    storage.name.location,
                    f'storage "{name}" is used by no task',
                    note="never used" if is_asked_for is False else "code that cannot be read here may use it",
                    severity=Severity.WARNING if is_asked_for is False else None,
                    fixes=fixes_of((f'remove storage "{name}"', False, storage.location.removed())),
                )


def _is_asked_for(project: LintContext, name: str) -> bool | None:
    """Whether code has the name of a storage in quotes; None where not all code can be read."""
    named = modules_named(project.model)
    imported = {module for start in named for module in project.code.imports(start)}
    if any(_is_quoted(project, module, name) for module in (*named, *imported)):
        return True
    return None if any(_is_quoted(project, module, name) is None for module in named) else False


def _is_quoted(project: LintContext, module: str, text: str) -> bool | None:
    path = project.code.path(module)
    if path is None or not os.path.isfile(path):
        return None
    try:
        with open(path, "rb") as file:
            written = file.read()
    except OSError:
        return None
    return any(f"{quote}{text}{quote}".encode() in written for quote in "\"'")
