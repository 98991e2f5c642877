from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity, fixes_of
from selinon_core.lint.analysis.flags import COMPOUND_FAILURES, COMPOUND_FINISHED, FAILURES, FINISHED
from selinon_core.lint.analysis.uses import first_refs
from selinon_core.lint.rule import LintContext, Rule


class PropagationOfNothing(Rule):
    """A flow collects tasks of a sub-flow, but no node receives them.

    What it does: A sub-flow named under ``propagate_finished`` or ``propagate_compound_finished`` has to be
    the source of an edge; one named under ``propagate_failures`` or ``propagate_compound_failures`` has to be
    among the ``nodes`` of a failure. Finished tasks of a sub-flow that only has a fallback are a warning.

    Why it is bad: The tasks of the sub-flow are passed to the nodes that start after it, or to its fallback. The
    flow has no such node.

    Example:
        flow-definitions:
          - name: nightly
            propagate_finished: publish
            edges:
              - from:
                to: publish

    Use instead:
        flow-definitions:
          - name: nightly
            propagate_finished: publish
            edges:
              - from:
                to: publish
              - from: publish
                to: Report
    """

    code = "SEL415"
    severity = Severity.ERROR
    title = "propagation that no node receives"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            facts = project.facts(flow)
            if not facts.reliable or any(failure.nodes is None for failure in flow.failures):
                continue
            if any(edge.sources is None for edge in flow.edges):
                continue
            handled = first_refs(failure.nodes for failure in flow.failures)
            for flag, wanted, why in (
                (FINISHED, facts.waited_for, "no edge waits for it"),
                (COMPOUND_FINISHED, facts.waited_for, "no edge waits for it"),
                (FAILURES, handled, "it has no fallback"),
                (COMPOUND_FAILURES, handled, "it has no fallback"),
            ):
                for ref in flag.names(flow).refs:
                    is_here = project.model.is_flow(ref.name) and ref.name in facts.starters
                    if is_here and ref.name not in wanted:
                        yield self.found(
                            ref.location,
                            f'"{flag.key}" collects tasks of "{ref.name}", but {why}',
                            note="no node receives them",
                            # Selinon 1.x loads this: to it, what has a fallback is waited for.
                            severity=Severity.WARNING if ref.name in handled else None,
                            fixes=fixes_of((f'remove "{ref.name}"', False, ref.location.removed())),
                        )
