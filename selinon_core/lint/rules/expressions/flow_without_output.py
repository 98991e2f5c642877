from __future__ import annotations

from selinon_core.diagnostics import Severity
from selinon_core.lint.analysis.dataflow.places import NO_OUTPUT
from selinon_core.lint.expression_rules import ExpressionRule


class FlowWithoutOutput(ExpressionRule):
    """An expression names a flow that declares no output.

    What it does: A flow has a value for expressions when it has `output`.

    Why it is bad: There is no value.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: order
              - from: order
                to: Store
                args: {count: "${order}"}
          - name: order
            edges:
              - from:
                to: Fetch

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: order
              - from: order
                to: Store
                args: {count: "${order}"}
          - name: order
            edges:
              - from:
                to: Fetch
            output: ${Fetch.count}
    """

    code = "SEL442"
    severity = Severity.ERROR
    title = "output of a flow that declares none"
    reasons = (NO_OUTPUT,)
