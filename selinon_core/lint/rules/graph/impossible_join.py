from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from selinon_core.config.model import EdgeDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.diagnostics.wording import quoted
from selinon_core.lint.analysis.facts import FlowGraph, StartRule
from selinon_core.lint.analysis.requirements import Exclusions, Requirements
from selinon_core.lint.analysis.verdict import Satisfiability
from selinon_core.lint.rule import LintContext, Rule


class ImpossibleJoin(Rule):
    """An edge can never fire, because what it waits for never happens in one flow run.

    What it does: Reports edges whose sources exclude each other: they lie behind conditions that cannot hold
    together, or one of them only runs where the other has failed. An edge whose own condition contradicts
    conditions on the way to its source is reported too. Conditions are compared where they certainly look at the
    same data: the arguments of the flow, or the result of a node that runs at most once.

    Why it is bad: What lies behind the edge never runs, and the flow succeeds nevertheless.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - {from: , to: Fetch}
              - {from: Fetch, to: Parse, condition: {name: fieldExist, args: {key: page}}}
              - {from: Fetch, to: Store, condition: {not: {name: fieldExist, args: {key: page}}}}
              - {from: [Parse, Store], to: Report}

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - {from: , to: Fetch}
              - {from: Fetch, to: Parse, condition: {name: fieldExist, args: {key: page}}}
              - {from: Fetch, to: Store, condition: {not: {name: fieldExist, args: {key: page}}}}
              - {from: Parse, to: Report}
              - {from: Store, to: Report}
    """

    code = "SEL318"
    severity = Severity.WARNING
    title = "edge that waits for what excludes each other"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            facts = project.facts(flow)
            if not facts.reliable or not facts.has_start:
                continue
            exclusions = project.exclusions(flow)
            for step in facts.edges:
                if (
                    step.sources
                    and step.verdict is not Satisfiability.NEVER
                    and facts.live.issuperset(step.sources)
                ):
                    yield from self._judge(facts, exclusions, step)

    def _judge(self, facts: FlowGraph, exclusions: Exclusions, step: StartRule) -> Iterator[Diagnostic]:
        edge = step.origin
        assert isinstance(edge, EdgeDef)
        needs = {name: exclusions.succeeded(name) for name in step.sources}
        own = exclusions.condition(step)
        if exclusions.possible(_together(own, *needs.values())):
            return
        if not all(exclusions.possible(need) for need in needs.values()):
            return  # the edges on the way are reported
        refs = {ref.name: ref for ref in edge.sources or ()}
        for first, second in combinations(needs, 2):
            if not exclusions.possible(_together(needs[first], needs[second])):
                yield self.found(
                    refs[second].location,
                    f'"{first}" and "{second}" never both succeed in one flow run, so this edge never fires',
                    note=f'never succeeds together with "{first}"',
                    help="write one edge for each of them if either of them is enough",
                    related=_reasons(facts, {first: needs[first], second: needs[second]}),
                )
                return
        related = _reasons(facts, needs)
        if not exclusions.possible(_together(*needs.values())):
            yield self.found(
                next(iter(refs.values())).location,
                f"{quoted(needs)} never all succeed in one flow run, so this edge never fires",
                note="never succeeds together with the others",
                related=related,
            )
        elif edge.condition is not None:
            yield self.found(
                edge.condition.location,
                "this condition never holds here: it contradicts the conditions on the way to the edge",
                note="the edge never fires",
                related=related,
            )


def _together(first: Requirements, *others: Requirements) -> Requirements:
    for other in others:
        first = first.with_(other)
    return first


def _reasons(facts: FlowGraph, needs: dict[str, Requirements]) -> list[Related]:
    """Where to look: the fallback that needs a failure, else the conditions that are not common to all."""
    succeeded = frozenset().union(*(need.succeeded for need in needs.values()))
    for need in needs.values():
        for step in facts.fallbacks:
            if not succeeded.isdisjoint(need.failed) and not need.failed.isdisjoint(step.sources):
                return [Related(step.origin.span, "this fallback needs a failure")]
    common = frozenset.intersection(*(need.clauses for need in needs.values())) if len(needs) > 1 else frozenset()
    found = []
    for name, need in needs.items():
        for steps in sorted(need.clauses - common, key=lambda steps: steps[0].origin.index):
            condition = steps[0].origin.condition
            if condition is not None:
                one_of = "" if len(steps) == 1 else ", or another one,"
                found.append(Related(condition.span, f'"{name}" only runs where this{one_of} holds'))
    return found[:4]
