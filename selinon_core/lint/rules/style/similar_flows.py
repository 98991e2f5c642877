from __future__ import annotations

from collections.abc import Hashable, Iterator

from selinon_core.config.model import FlowDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.analysis.same import flow_key
from selinon_core.lint.rule import LintContext, Rule


class SimilarFlows(Rule):
    """Two flows have the same edges, failures and flags.

    What it does: Compares everything but name and queue. A flow that is made of another one with an anchor
    and a merge key, or that shares its edges through an alias, is not mentioned.

    Why it is bad: Copies drift apart. An anchor and a merge key make the second flow an alias of the first.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
          - name: weekly
            queue: slow
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store

    Use instead:
        flow-definitions:
          - &nightly
            name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
          - <<: *nightly
            name: weekly
            queue: slow
    """

    code = "SEL909"
    severity = Severity.INFO
    title = "flows that are alike"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        flows = project.model.flows
        if len(flows) < 2:
            return
        first: dict[Hashable, FlowDef] = {}
        for flow in flows:
            if flow.edges_broken or flow.failures_broken or flow.merged:
                continue
            other = first.setdefault(flow_key(flow), flow)
            if other is flow or other.name.name == flow.name.name:
                continue
            if flow.value_location("edges").span == other.value_location("edges").span:
                continue  # an alias of the edges
            yield self.found(
                flow.name.location,
                f'flow "{flow.name.name}" is flow "{other.name.name}" under another name',
                note="the same edges, failures and flags",
                help="with an anchor and a merge key (<<) it would be an alias of the other one",
                related=(Related(other.name.span, f'flow "{other.name.name}" is here'),),
            )
