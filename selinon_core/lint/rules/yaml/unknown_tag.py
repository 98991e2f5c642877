from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.rule import Rule


class UnknownTag(Rule):
    """A value carries a tag that means nothing here.

    What it does: Reports tags other than YAML's own for text, numbers, booleans, null, lists and mappings.
    Nothing is ever executed because of a tag.

    Why it is bad: Values are plain data. A tag such as `!!python/object` would ask the reader to run code.

    Example:
        storages:
          - name: Archive
            import: selinon_core.storages.filesystem
            classname: Filesystem
            configuration:
              path: !!python/object/apply:os.getcwd []
        tasks:
          - {name: Fetch, import: shop.tasks, storage: Archive}
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]

    Use instead:
        storages:
          - name: Archive
            import: selinon_core.storages.filesystem
            classname: Filesystem
            configuration:
              path: archive
        tasks:
          - {name: Fetch, import: shop.tasks, storage: Archive}
        flow-definitions:
          - name: order
            edges: [{from: , to: Fetch}]
    """

    code = "SEL004"
    severity = Severity.ERROR
    title = "unknown tag"
