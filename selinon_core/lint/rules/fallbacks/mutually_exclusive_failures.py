from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import FlowDef
from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.analysis.facts import FlowGraph, reached
from selinon_core.lint.analysis.requirements import Exclusions
from selinon_core.lint.rule import LintContext, Rule


class MutuallyExclusiveFailures(Rule):
    """The nodes of a fallback can never have failed together.

    What it does: Looks for two nodes of which one runs at most once and the other starts only after the first
    one succeeded: when the first one failed the other never ran, and when the other failed the first one did
    not. Nodes behind conditions that cannot hold together are found too.

    Why it is bad: The fallback never runs, and the failure that was meant stays unhandled.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
            failures:
              - nodes: [Fetch, Store]
                fallback: Rescue

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
            failures:
              - nodes: Fetch
                fallback: Rescue
              - nodes: Store
                fallback: Rescue
    """

    code = "SEL506"
    severity = Severity.WARNING
    title = "fallback for nodes that cannot have failed together"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            facts = project.facts(flow)
            if facts.reliable and facts.has_start:
                yield from self._judge(flow, facts, project.exclusions(flow))

    def _judge(self, flow: FlowDef, facts: FlowGraph, exclusions: Exclusions) -> Iterator[Diagnostic]:
        without: dict[str, frozenset[str]] = {}
        size = sum(len(step.sources) + len(step.destinations) + 1 for step in facts.steps)
        searches = MOST_NAMES // size
        for failure in flow.failures:
            names = list(dict.fromkeys(ref.name for ref in failure.nodes or ()))
            if len(names) < 2 or not facts.startable.issuperset(names):
                continue
            pair = _exclusive_pair(facts, names, without, searches)
            message = '"{second}" can only run after "{first}" succeeded, so they never fail together'
            if pair is None and facts.live.issuperset(names):
                pair = exclusions.failing_pair(names)
                message = '"{first}" and "{second}" never run in one flow run, so they never fail together'
            if pair is not None:
                first, second = pair
                ref = next(ref for ref in failure.nodes or () if ref.name == second)
                yield self.found(
                    ref.location,
                    message.format(first=first, second=second),
                    note=f'never fails together with "{first}"',
                    help="write one entry for each of them",
                )


def _exclusive_pair(
    facts: FlowGraph, names: list[str], without: dict[str, frozenset[str]], searches: int
) -> tuple[str, str] | None:
    for first in names:
        if first not in facts.waited_for or not facts.runs_once(first):
            continue
        if first not in without:
            if len(without) >= searches:
                return None
            # What else can start when it fails; its own fallbacks included.
            without[first] = reached(facts.steps, facts.supposed, without=first)
        for second in names:
            if second != first and second not in without[first]:
                return first, second
    return None


#: Names looked at per flow, all searches together; about a tenth of a second. Real flows need fewer.
MOST_NAMES = 300_000
