from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import EdgeDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.analysis.facts import StartRule
from selinon_core.lint.analysis.leaf_faults import faulty_leaves
from selinon_core.lint.analysis.verdict import Satisfiability, may_all_be_false
from selinon_core.lint.rule import LintContext, Rule


class NonExhaustiveConditions(Rule):
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
        faulty = frozenset(id(use.origin) for use in faulty_leaves(project.model, project.predicates))
        for flow in project.model.flows:
            facts = project.facts(flow)
            judged: set[tuple[int, ...]] = set()
            for name, steps in facts.waited_for.items():
                if len(steps) < 2 or any(step.verdict is Satisfiability.ALWAYS for step in steps):
                    continue
                open_steps = [step for step in steps if step.verdict is Satisfiability.MAYBE]
                key = tuple([step.origin.index for step in open_steps])
                if len(open_steps) < 2 or key in judged or name not in facts.live:
                    continue
                if not faulty.isdisjoint(id(step.origin) for step in open_steps):
                    continue  # they are errors themselves
                judged.add(key)  # nodes with the same edges onwards are one case
                conditions = [(step.origin.condition, step.atoms) for step in open_steps]
                if may_all_be_false([(c, make) for c, make in conditions if c is not None and make is not None]):
                    yield self._report(name, open_steps)

    def _report(self, name: str, steps: list[StartRule]) -> Diagnostic:
        edges = [step.origin for step in steps if isinstance(step.origin, EdgeDef)]
        refs = [next(ref for ref in edge.sources or () if ref.name == name) for edge in edges]
        return self.found(
            refs[0].location,
            f'the {len(refs)} conditions behind "{name}" may all be false together',
            note="then nothing follows",
            help="add an edge for the remaining case if the flow should not end here",
            related=[Related(ref.span, "another condition is here") for ref in refs[1:4]],
        )
