from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.rule import LintContext, Rule
from selinon_core.plan import shipped


class StrategySemanticsChanged(Rule):
    """The *increase* and *adapt* strategies grow when those of Selinon 1.x shrank, and the reverse.

    What it does: Looks at projects that import ``selinon``.
    Mentions every flow that names one of them.

    Why it is bad: They grow while nothing is started and fall back when something was, as their documentation
    always said; the code of Selinon 1.x did the opposite. Flows go on when a node ends, whatever the
    strategy: it only says how long a silence may be before the flow is looked at.

    Example:
        flow-definitions:
          - name: nightly
            sampling:
              name: linear_increase
              args: {start_retry: 2, max_retry: 60, step: 2}
            edges:
              - from:
                to: Fetch

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
    """

    code = "SEL911"
    severity = Severity.INFO
    title = "strategy that differs from Selinon 1.x"
    about_selinon_1 = True

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            function = None if flow.sampling is None else flow.sampling.function
            if function is None or function.module.name not in shipped.STRATEGY_MODULES:
                continue
            name = function.name.name
            if name in shipped.STRATEGIES and name.endswith(("_increase", "_adapt")):
                yield self.found(
                    function.name.location,
                    f'"{name}" grows while nothing is started; in Selinon 1.x it was the opposite',
                    note="differs from Selinon 1.x",
                )
