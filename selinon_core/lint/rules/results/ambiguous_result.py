from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import EdgeDef
from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.diagnostics.wording import quoted
from selinon_core.lint.rule import LintContext, Rule


class AmbiguousResult(Rule):
    """A condition looks at a result and does not say which, on an edge with several sources.

    What it does: Finds predicates on a result without ``node`` on edges with several sources.

    Why it is bad: It is not clear which node's result is meant.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: [Fetch, Parse]
              - from: [Fetch, Parse]
                to: Store
                condition:
                  name: fieldExist
                  args: {key: url}

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: [Fetch, Parse]
              - from: [Fetch, Parse]
                to: Store
                condition:
                  name: fieldExist
                  node: Fetch
                  args: {key: url}
    """

    code = "SEL404"
    severity = Severity.ERROR
    title = "condition does not say whose result"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for use in project.leaf_uses:
            leaf, edge = use.leaf, use.origin
            if not isinstance(edge, EdgeDef) or leaf.node is not None or leaf.node_broken:
                continue
            sources = dict.fromkeys(ref.name for ref in edge.sources or ())
            if len(sources) > 1 and project.predicates.takes_message(leaf.name.name):
                yield self.found(
                    leaf.name.location,
                    f'"{leaf.name.name}" does not say whose result it looks at',
                    note="the edge has several sources",
                    help=f'name the source under "node": {quoted(sources, "or")}',
                )
