from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.analysis.configured import Callee, argument_faults
from selinon_core.lint.rule import LintContext, Rule


class StrategyArguments(Rule):
    """A sampling strategy is given arguments that it does not take, or not all that it needs.

    What it does: Compares ``sampling.args`` with the parameters of the strategy; ``status`` is handed in.

    Why it is bad: The call fails whenever the flow is to be looked at.

    Example:
        flow-definitions:
          - name: nightly
            sampling:
              name: biexponential_decrease
              args: {start_retry: 60, stop_rerty: 2}
            edges:
              - from:
                to: Fetch

    Use instead:
        flow-definitions:
          - name: nightly
            sampling:
              name: constant
              args: {retry: 300}
            edges:
              - from:
                to: Fetch
    """

    code = "SEL214"
    severity = Severity.ERROR
    title = "wrong arguments of a sampling strategy"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for call in project.configured(Callee.STRATEGY):
            for fault in argument_faults(call):
                yield self.found(
                    fault.location, fault.message, note=fault.note, help=fault.help, related=call.related
                )
