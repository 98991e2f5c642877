from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity, fixes_of
from selinon_core.lint.analysis.uses import nodes_named
from selinon_core.lint.rule import LintContext, Rule


class UnusedTask(Rule):
    """No flow uses a task.

    What it does: Compares the tasks with the nodes of all flows. Says nothing when there are no flows at all
    (when only the file with the tasks is looked at) or when a part of a flow could not be read.

    Why it is bad: The task can never run; it is a leftover, or an edge onto it was forgotten.

    Example:
        tasks:
          - name: Fetch
            import: shop
          - name: Parse
            import: shop
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch

    Use instead:
        tasks:
          - name: Fetch
            import: shop
          - name: Parse
            import: shop
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Parse
    """

    code = "SEL902"
    severity = Severity.WARNING
    title = "unused task"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        model = project.model
        if model.incomplete or not model.flows:
            return
        facts = [project.facts(flow) for flow in model.flows]
        if not all(fact.reliable for fact in facts):
            return
        used = {ref.name for flow in model.flows for ref in nodes_named(flow)}
        if not all(map(project.is_known, used)):
            return  # a node that is misspelt, or whose name is not defined yet, may mean any of them
        for name, task in model.task_by_name.items():
            if name not in used and name not in model.flow_by_name:
                yield self.found(
                    task.name.location,
                    f'task "{name}" is used by no flow',
                    note="never runs",
                    fixes=fixes_of((f'remove task "{name}"', False, task.location.removed())),
                )
