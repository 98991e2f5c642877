from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class ConflictingKeys(Rule):
    """Two keys that mean the same are both given.

    What it does: Reports `storage_readonly` beside `storage_read_only`, and `name` beside `function` in a
    selective run function.

    Why it is bad: One of them would be ignored.

    Example:
        storages:
          - name: Results
            import: selinon_core.storages.memory
            classname: InMemoryStorage
        tasks:
          - name: Fetch
            import: shop.tasks
            storage: Results
            storage_readonly: true
            storage_read_only: false
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
            storage_readonly: true
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]
    """

    code = "SEL108"
    severity = Severity.ERROR
    title = "two keys that mean the same"
