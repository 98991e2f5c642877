from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.rule import LintContext, Rule


class FlowNotDefined(Rule):
    """A flow is listed under ``flows`` but defined nowhere.

    What it does: Compares the ``flows`` sections with ``flow-definitions``, over all files.

    Why it is bad: The list promises a flow that cannot be run. Usually its name is misspelt, or a file was not
    given.

    Example:
        flows: [nightly, weekly]
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch

    Use instead:
        flows: [nightly]
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
    """

    code = "SEL211"
    severity = Severity.ERROR
    title = "flow listed but not defined"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        model = project.model
        if model.incomplete:
            return
        for ref in model.flow_list or ():
            if not project.may_be_flow(ref.name):
                yield self.found(
                    ref.location,
                    f'flow "{ref.name}" is listed but not defined',
                    note="no definition has this name",
                    help=project.did_you_mean_one_of("flow", ref.name, model.flow_by_name)
                    or "was the file that defines it given?",
                )
