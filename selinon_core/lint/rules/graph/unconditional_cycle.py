from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import FlowDef, NameRef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.analysis.facts import FlowGraph
from selinon_core.lint.rule import LintContext, Rule
from selinon_core.plan.components import cyclic, shortest_cycle


class UnconditionalCycle(Rule):
    """A cycle has no condition on any of its edges.

    What it does: Looks for cycles among the edges that fire whatever their sources' results are: those
    without condition (or with one that always holds) and without foreach.

    Why it is bad: Only a failure ends such a cycle; otherwise the flow runs for ever.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Parse
              - from: Parse
                to: Fetch

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Parse
              - from: Parse
                to: Fetch
                condition:
                  name: fieldExist
                  args: {key: next_page}
    """

    code = "SEL311"
    severity = Severity.WARNING
    title = "cycle without a condition"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            facts = project.facts(flow)
            if facts.cyclic_nodes:
                yield from self._cycles(flow, facts)

    def _cycles(self, flow: FlowDef, facts: FlowGraph) -> Iterator[Diagnostic]:
        leads_to: dict[str, dict[str, NameRef]] = {}
        for step in facts.edges:
            if step.guarded or not facts.live.issuperset(step.sources):
                continue
            for source in step.sources:
                for ref in getattr(step.origin, "destinations", None) or ():
                    leads_to.setdefault(source, {}).setdefault(ref.name, ref)
        order = {name: position for position, name in enumerate(facts.starters)}
        for members in cyclic(leads_to):
            first = min(members, key=lambda name: order.get(name, 0))
            circle = shortest_cycle(leads_to, first, set(members))
            hops = list(zip(circle, (*circle[1:], first), strict=True))
            back, entered = hops[-1]
            path = " -> ".join(f'"{name}"' for name in (*circle, first))
            yield self.found(
                leads_to[back][entered].location,
                f"the cycle {path} has no condition on any of its edges",
                note="runs for ever",
                help="give one of its edges a condition",
                related=[
                    Related(leads_to[a][b].span, f'"{b}" is started after "{a}" here') for a, b in hops[:-1][:5]
                ],
            )
