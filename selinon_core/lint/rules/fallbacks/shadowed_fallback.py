from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import FailureDef, FlowDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.diagnostics.wording import quoted
from selinon_core.lint.analysis.same import condition_key
from selinon_core.lint.rule import LintContext, Rule


class ShadowedFallback(Rule):
    """A fallback does not run when more nodes have failed, because a larger one takes the failures.

    What it does: Looks for failures whose nodes are among the nodes of a larger one that is tried first under
    the same condition or none, and whose fallback nodes the larger one does not start.

    Why it is bad: Fallbacks are tried from the largest set of nodes to the smallest, and a failure is handled
    once. When all nodes of the larger one have failed, only its fallback runs. That is right where the larger
    one replaces the smaller, and a surprise where both were to run.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: [Fetch, Parse]
            failures:
              - nodes: Fetch
                fallback: Rescue
              - nodes: [Fetch, Parse]
                fallback: Notify

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: [Fetch, Parse]
            failures:
              - nodes: Fetch
                fallback: Rescue
              - nodes: [Fetch, Parse]
                fallback: [Rescue, Notify]
    """

    code = "SEL505"
    severity = Severity.INFO
    title = "fallback shadowed by a larger one"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            if len(flow.failures) > 1:
                yield from self._compare(flow)

    def _compare(self, flow: FlowDef) -> Iterator[Diagnostic]:
        sets = [(failure, frozenset(ref.name for ref in failure.nodes or ())) for failure in flow.failures]
        by_node: dict[str, list[tuple[FailureDef, frozenset[str]]]] = {}
        for failure, nodes in sets:
            for name in nodes:
                by_node.setdefault(name, []).append((failure, nodes))
        for failure, nodes in sets:
            if not nodes or not failure.fallback:
                continue
            starts = {ref.name for ref in failure.fallback}
            rarest = min((by_node[name] for name in nodes), key=len)
            for larger, more in rarest[:MOST_COMPARED]:
                if not nodes < more or not _applies(larger, failure):
                    continue
                if larger.fallback is None or starts.issubset(ref.name for ref in larger.fallback):
                    continue
                assert failure.nodes
                assert larger.nodes
                rest = [ref.name for ref in larger.nodes if ref.name not in nodes]
                yield self.found(
                    failure.nodes[0].location,
                    f"the fallback for {quoted(ref.name for ref in failure.nodes)} does not run when "
                    f"{quoted(dict.fromkeys(rest))} failed too",
                    note="a larger fallback takes the failure",
                    related=(Related(larger.nodes[0].span, "the larger one is here"),),
                )
                break


#: Larger sets that one set is compared with; real flows have fewer, and thousands would take long.
MOST_COMPARED = 100


def _applies(larger: FailureDef, smaller: FailureDef) -> bool:
    return larger.condition is None or condition_key(larger.condition) == condition_key(smaller.condition)
