from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.analysis.dataflow.places import UNTYPED
from selinon_core.lint.expression_rules import ExpressionRule


class UntypedResult(ExpressionRule):
    """Nothing is known of a result that an expression reads.

    What it does: Reports names of nodes that have no schema, and of flows whose output cannot be worked out. It is
    off, other than by `--select SEL449`.

    Why it is bad: Misspelt keys and wrong types are found when the flow runs.

    Example:
        # with --select SEL,SEL449
        flow-definitions:
          - name: order
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                args: {page: "${Fetch.page}"}

    Use instead:
        # with --select SEL,SEL449
        storages:
          - name: Results
            import: selinon.storages.memory
            classname: InMemoryStorage
        tasks:
          - name: Fetch
            import: nodes
            storage: Results
            output_schema: {type: object, required: [page], properties: {page: {type: string}}}
          - name: Store
            import: nodes
        flow-definitions:
          - name: order
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                args: {page: "${Fetch.page}"}
    """

    code = "SEL449"
    severity = Severity.INFO
    title = "result of which nothing is known"
    is_optional = True
    reasons = (UNTYPED,)
