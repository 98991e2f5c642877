from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import EdgeDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.analysis.verdict import Satisfiability
from selinon_core.lint.rule import LintContext, Rule


class UnreachableNode(Rule):
    """A node can only be reached over an edge whose condition never holds.

    What it does: Works out which nodes can start when the edges and fallbacks that SEL312 reports are left
    out, and names those directly behind such an edge that cannot. What lies further behind is not repeated.

    Why it is bad: The node never runs.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition:  # selinon: ignore[SEL312] switched off for now
                  name: alwaysFalse

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
    """

    code = "SEL314"
    severity = Severity.WARNING
    title = "node behind an edge that never fires"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            facts = project.facts(flow)
            if not facts.reliable or not facts.has_start:
                continue
            for name in facts.starters:
                if name in facts.live or name not in facts.startable:
                    continue
                false = [step for step in facts.starters[name] if step.verdict is Satisfiability.NEVER]
                direct = [step for step in false if facts.live.issuperset(step.sources)]
                if direct:
                    origin = direct[0].origin
                    refs = origin.destinations if isinstance(origin, EdgeDef) else origin.fallback
                    ref = next(ref for ref in refs or () if ref.name == name)
                    condition = origin.condition
                    assert condition is not None
                    yield self.found(
                        ref.location,
                        f'"{name}" can only be reached where a condition never holds',
                        note="never runs",
                        related=(Related(condition.span, "this condition is always false"),),
                    )
