from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Related, Severity, fixes_of
from selinon_core.lint.rule import LintContext, Rule


class RepeatedSource(Rule):
    """A node stands twice among the sources of an edge.

    What it does: Looks for repeated names in ``from``.

    Why it is bad: An edge waits for one run of each source; it cannot wait for two runs of one node.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: [Fetch, Fetch]
                to: Store

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
    """

    code = "SEL216"
    severity = Severity.ERROR
    title = "node twice in from"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            for edge in flow.edges:
                first: dict[str, Related] = {}
                for ref in edge.sources or ():
                    if ref.name in first:
                        yield self.found(
                            ref.location,
                            f'"{ref.name}" stands twice in "from"',
                            note="named before",
                            related=(first[ref.name],),
                            fixes=fixes_of((f'remove the second "{ref.name}"', True, ref.location.removed())),
                        )
                    else:
                        first[ref.name] = Related(ref.span, "the first one is here")
