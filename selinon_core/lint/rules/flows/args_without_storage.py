from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.rule import LintContext, Rule


class ArgsWithoutStorage(Rule):
    """``node_args_from_first`` with a first task whose result is not stored.

    What it does: Looks at the storage of the task that starts such a flow.

    Why it is bad: The result is taken when it is at hand, which it is not with every way of running flows. A
    result in a storage can always be read.

    Example:
        tasks:
          - name: Fetch
            import: shop
          - name: Parse
            import: shop
        flow-definitions:
          - name: nightly
            node_args_from_first: true
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Parse

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
        flow-definitions:
          - name: nightly
            node_args_from_first: true
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Parse
    """

    code = "SEL419"
    severity = Severity.WARNING
    title = "arguments from a result that is not stored"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            starts = [edge for edge in flow.edges if edge.is_start] if flow.node_args_from_first else []
            if len(starts) != 1 or len(starts[0].destinations or ()) != 1:
                continue
            assert starts[0].destinations is not None
            ref = starts[0].destinations[0]
            task = project.model.task_by_name.get(ref.name)
            if task is None or (task.storage is not None and not task.storage_readonly):
                continue
            if task.storage is None and task.has_value("storage"):
                continue
            why = "has no storage" if task.storage is None else "has a read-only storage"
            yield self.found(
                ref.location,
                f'the result of "{ref.name}" becomes the arguments of the flow, but the task {why}',
                note="may not be at hand",
                help=f'give task "{ref.name}" a storage' if task.storage is None else "",
                related=(Related(task.name.span, f'task "{ref.name}" is defined here'),),
            )
