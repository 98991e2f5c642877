from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.analysis.dataflow.places import NOT_STORED
from selinon_core.lint.expression_rules import ExpressionRule


class UnstoredResult(ExpressionRule):
    """An expression reads the result of a task that stores none.

    What it does: A task has a result for expressions when it has a storage that is not read-only.

    Why it is bad: The result is discarded.

    Example:
        storages:
          - name: Results
            import: selinon.storages.memory
            classname: InMemoryStorage
        tasks:
          - {name: Fetch, import: nodes}
          - {name: Store, import: nodes, storage: Results}
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                args: {page: "${Fetch.page}"}

    Use instead:
        storages:
          - name: Results
            import: selinon.storages.memory
            classname: InMemoryStorage
        tasks:
          - {name: Fetch, import: nodes, storage: Results}
          - {name: Store, import: nodes, storage: Results}
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                args: {page: "${Fetch.page}"}
    """

    code = "SEL445"
    severity = Severity.ERROR
    title = "result that is read and not stored"
    reasons = (NOT_STORED,)
