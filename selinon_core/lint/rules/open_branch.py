from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import EdgeDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.analysis.atoms import AtomMaker
from selinon_core.lint.analysis.verdict import Verdict, may_all_be_false
from selinon_core.lint.rule import LintContext, Rule


class OpenBranch(Rule):
    """All conditions behind a node may be false together.

    What it does: Looks at nodes with two or more edges onwards, all with a condition, and works out whether
    at least one condition holds whatever the answers are. A single condition is plainly an option and is not
    mentioned.

    Why it is bad: It need not be: a flow may end there. But a case that was forgotten ends the flow in
    silence.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition:
                  name: fieldEqual
                  args: {key: status, value: new}
              - from: Fetch
                to: Notify
                condition:
                  name: fieldEqual
                  args: {key: status, value: gone}

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition:
                  name: fieldEqual
                  args: {key: status, value: new}
              - from: Fetch
                to: Notify
                condition:
                  not:
                    name: fieldEqual
                    args: {key: status, value: new}
    """

    code = "SEL317"
    severity = Severity.INFO
    title = "conditions that may all be false"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            facts = project.facts(flow)
            for name, steps in facts.waited_for.items():
                if len(steps) < 2 or name not in facts.live:
                    continue
                if any(step.verdict is Verdict.ALWAYS for step in steps):
                    continue
                edges = [s.origin for s in steps if s.verdict is Verdict.MAYBE and isinstance(s.origin, EdgeDef)]
                conditions = [
                    (edge.condition, AtomMaker(project.predicates, tuple(r.name for r in edge.sources or ())))
                    for edge in edges
                    if edge.condition is not None
                ]
                if len(conditions) < 2 or not may_all_be_false(conditions):
                    continue
                refs = [next(ref for ref in edge.sources or () if ref.name == name) for edge in edges]
                yield self.found(
                    refs[0].spot,
                    f'the {len(conditions)} conditions behind "{name}" may all be false together',
                    note="then nothing follows",
                    help="add an edge for the remaining case if the flow should not end here",
                    related=[Related(ref.span, "another condition is here") for ref in refs[1:4]],
                )
