from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import EdgeDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.rule import LintContext, Rule


class NeverStarted(Rule):
    """An edge waits for a node that nothing in the flow starts.

    What it does: Compares the sources of the edges with all that edges and fallbacks of the same flow start.
    Tasks and sub-flows alike: a run of the same node in another flow does not count.

    Why it is bad: The edge never fires, and the flow ends in success without what is behind it.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: [Fetch, publish]
                to: Store

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: [Fetch, publish]
              - from: [Fetch, publish]
                to: Store
    """

    code = "SEL302"
    severity = Severity.ERROR
    title = "waits for a node that is never started"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            facts = project.facts(flow)
            for name in sorted(facts.never_started & facts.waited_for.keys()):
                edges = [step.origin for step in facts.waited_for[name] if isinstance(step.origin, EdgeDef)]
                uses = [ref for edge in edges for ref in edge.sources or () if ref.name == name]
                kind = "sub-flow" if project.model.is_flow(name) else "task"
                yield self.found(
                    uses[0].location,
                    f'{kind} "{name}" is waited for, but nothing in the flow starts it',
                    note="never started here",
                    help=f'add "{name}" to the "to" of an edge, or remove it from "from"',
                    related=[Related(ref.span, "also waited for here") for ref in uses[1:4]],
                )
