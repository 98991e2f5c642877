from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import EdgeDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.diagnostics.wording import quoted
from selinon_core.lint.analysis.facts import FlowGraph, StartRule
from selinon_core.lint.rule import LintContext, Rule


class JoinInCycle(Rule):
    """A join is part of a cycle, or joins several nodes that a cycle runs again and again.

    What it does: Looks for edges with several sources that lie on a cycle, and for edges of which at least
    two sources run as often as a cycle goes around.

    Why it is bad: A join fires for every combination of finished runs of its sources, not once per round: the
    second run of one source is paired with the first and the second run of the other, and so on.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: [Fetch, Parse]
              - from: [Fetch, Parse]
                to: Store
              - from: Store
                to: [Fetch, Parse]
                condition:
                  name: fieldExist
                  args: {key: next_page}

    Use instead:
        flow-definitions:
          - name: page
            propagate_parent: true
            edges:
              - from:
                to: [Fetch, Parse]
              - from: [Fetch, Parse]
                to: Store
              - from: Store
                to: page
                condition:
                  name: fieldExist
                  args: {key: next_page}
    """

    code = "SEL315"
    severity = Severity.WARNING
    title = "join in a cycle"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            facts = project.facts(flow)
            if not facts.cyclic_nodes:
                continue
            repeating = _repeating(facts)
            for step in facts.edges:
                sources = tuple(dict.fromkeys(step.sources))
                if len(sources) < 2 or not facts.live.issuperset(sources):
                    continue
                again = [name for name in sources if name in repeating]
                on_cycle = [
                    name for name in sources if any(facts.on_one_cycle(name, d) for d in step.destinations)
                ]
                if len(again) > 1 or on_cycle:
                    yield self._report(step, sources, tuple(again), tuple(on_cycle))

    def _report(
        self, step: StartRule, sources: tuple[str, ...], again: tuple[str, ...], on_cycle: tuple[str, ...]
    ) -> Diagnostic:
        assert isinstance(step.origin, EdgeDef)
        if len(again) > 1:
            message = f"the join of {quoted(sources)} pairs all runs of {quoted(again)}, which a cycle repeats"
            note = "fires for every combination"
        else:
            rest = [name for name in sources if name not in again]
            message = (
                f'the join of {quoted(sources)} is part of a cycle: every new run of "{on_cycle[0]}" is paired '
            )
            message += f"with all earlier runs of {quoted(rest)}"
            note = "fires again in every round"
        first, *others = [ref for ref in step.origin.sources or () if ref.name in again or ref.name in on_cycle]
        return self.found(
            first.location,
            message,
            note=note,
            help="a sub-flow that runs once per round keeps the rounds apart",
            related=[Related(ref.span, f'"{ref.name}" is repeated too') for ref in others[:3]],
        )


def _repeating(facts: FlowGraph) -> frozenset[str]:
    """The nodes on cycles, and those that run once for each of their runs."""
    seen = set(facts.cyclic_nodes)
    todo = list(seen)
    while todo:
        for step in facts.waited_for.get(todo.pop(), ()):
            if not step.guarded:
                todo.extend(name for name in step.destinations if name not in seen)
                seen.update(step.destinations)
    return frozenset(seen)
