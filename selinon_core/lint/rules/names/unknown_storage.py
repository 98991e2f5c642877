from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import NameRef
from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.rule import LintContext, Rule


class UnknownStorage(Rule):
    """A task or a trace entry names a storage that is not defined.

    What it does: Checks ``storage`` of tasks and of trace entries against the storages of all files.

    Why it is bad: The result of the task could be neither stored nor read.

    Example:
        storages:
          - name: Results
            import: selinon.storages.memory
            classname: InMemoryStorage
        tasks:
          - name: Fetch
            import: shop
            storage: Resluts
          - name: Parse
            import: shop
            storage: Results
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: [Fetch, Parse]

    Use instead:
        storages:
          - name: Results
            import: selinon.storages.memory
            classname: InMemoryStorage
        tasks:
          - name: Fetch
            import: shop
            storage: Results
          - name: Parse
            import: shop
            storage: Results
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: [Fetch, Parse]
    """

    code = "SEL203"
    severity = Severity.ERROR
    title = "unknown storage"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        model = project.model
        named: list[NameRef | None] = [task.storage for task in model.tasks]
        named += [trace.storage for trace in model.settings.trace]
        for ref in named:
            if ref is None or ref.name in model.storage_by_name or ref.name in model.maybe_defined:
                continue
            yield self.found(
                ref.location,
                f'unknown storage "{ref.name}"',
                note="no storage has this name",
                help=project.did_you_mean_one_of("storage", ref.name, model.storage_by_name),
            )
