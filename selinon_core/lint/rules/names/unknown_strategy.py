from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.rule import LintContext, Rule
from selinon_core.plan import shipped


class UnknownStrategy(Rule):
    """A flow's sampling strategy is none of the shipped ones.

    What it does: Checks the name of a strategy that is looked up among the shipped ones, because ``import``
    is left out or names their module.

    Why it is bad: Without its strategy the flow cannot be started.

    Example:
        flow-definitions:
          - name: nightly
            sampling:
              name: constnat
              args: {retry: 300}
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

    code = "SEL205"
    severity = Severity.ERROR
    title = "unknown sampling strategy"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            function = None if flow.sampling is None else flow.sampling.function
            if function is None or function.module.name not in shipped.STRATEGY_MODULES:
                continue
            name = function.name.name
            if name not in shipped.STRATEGIES:
                yield self.found(
                    function.name.location,
                    f'unknown sampling strategy "{name}"',
                    note="no shipped strategy has this name",
                    help=project.did_you_mean("strategy", name, shipped.STRATEGIES.keys())
                    or "shipped are " + ", ".join(shipped.STRATEGIES),
                )
