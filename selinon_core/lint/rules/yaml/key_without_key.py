from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class KeyWithoutKey(Rule):
    """A key is given that needs another key.

    What it does: Reports `storage_task_name` on a task without `storage`, and `quantifier` on a predicate
    whose `node` is not a path.

    Why it is bad: It has no effect.

    Example:
        tasks:
          - name: Fetch
            import: shop.tasks
            storage_task_name: Payment
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]

    Use instead:
        storages:
          - name: Results
            import: selinon_core.storages.memory
            classname: InMemoryStorage
        tasks:
          - name: Fetch
            import: shop.tasks
            storage: Results
            storage_task_name: Payment
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]
    """

    code = "SEL110"
    severity = Severity.ERROR
    title = "key of no use without another one"
