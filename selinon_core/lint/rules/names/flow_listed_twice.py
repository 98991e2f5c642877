from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Related, Severity, fixes_of
from selinon_core.lint.rule import LintContext, Rule


class FlowListedTwice(Rule):
    """A flow is listed twice under ``flows``.

    What it does: Looks for repeated names in the ``flows`` sections of all files.

    Why it is bad: It does no harm to the flow, but one of the two entries is a leftover or was to be another
    name.

    Example:
        flows: [nightly, nightly]
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

    code = "SEL217"
    severity = Severity.WARNING
    title = "flow listed twice"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        first: dict[str, Related] = {}
        for ref in project.model.flow_list or ():
            if ref.name in first:
                yield self.found(
                    ref.location,
                    f'flow "{ref.name}" is listed twice',
                    note="listed before",
                    related=(first[ref.name],),
                    fixes=fixes_of((f'remove the second "{ref.name}"', True, ref.location.removed())),
                )
            else:
                first[ref.name] = Related(ref.span, f'"{ref.name}" is first listed here')
