from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.analysis.configured import Callee, argument_faults
from selinon_core.lint.rule import LintContext, Rule


class StorageArguments(Rule):
    """A shipped storage is given arguments that it does not take, or not all that it needs.

    What it does: Compares ``configuration`` with the parameters of the storage. Storage classes of the project are
    looked at by SEL610.

    Why it is bad: The storage cannot be built: the first task that uses it fails, on a worker perhaps long after
    the deployment. Local runs with mocked storages do not show it.

    Example:
        storages:
          - name: Results
            import: selinon_core.storages.sql
            classname: SqlStorage
            configuration:
              conection_string: sqlite:///results.db
        tasks:
          - {name: Fetch, import: shop, storage: Results}
        flow-definitions:
          - name: nightly
            edges: [{from: , to: Fetch}]

    Use instead:
        storages:
          - name: Results
            import: selinon_core.storages.sql
            classname: SqlStorage
            configuration:
              connection_string: sqlite:///results.db
        tasks:
          - {name: Fetch, import: shop, storage: Results}
        flow-definitions:
          - name: nightly
            edges: [{from: , to: Fetch}]
    """

    code = "SEL218"
    severity = Severity.ERROR
    title = "wrong arguments of a storage"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for call in project.configured(Callee.SHIPPED_STORAGE):
            for fault in argument_faults(call):
                yield self.found(
                    fault.location, fault.message, note=fault.note, help=fault.help, related=call.related
                )
