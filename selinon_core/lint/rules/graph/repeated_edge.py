from __future__ import annotations

from collections.abc import Hashable, Iterator

from selinon_core.config.model import EdgeDef, NameRef
from selinon_core.diagnostics import Diagnostic, Related, Severity, fixes_of
from selinon_core.diagnostics.location import Edit
from selinon_core.lint.analysis.same import edge_key
from selinon_core.lint.rule import LintContext, Rule


class RepeatedEdge(Rule):
    """Two edges of a flow start the same node from the same sources under the same condition.

    What it does: Compares sources, condition, foreach and selective of the edges of a flow.

    Why it is bad: Both edges fire, so the node is started twice. Where that is wanted, a node that stands
    twice in one ``to`` says so.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
              - from: Fetch
                to: [Store, Notify]

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: [Store, Notify]
    """

    code = "SEL316"
    severity = Severity.WARNING
    title = "edge written twice"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            if len(flow.edges) < 2:
                continue
            started: dict[Hashable, dict[str, NameRef]] = {}
            for edge in flow.edges:
                if edge.sources is None or edge.destinations is None:
                    continue
                earlier = started.setdefault(edge_key(edge), {})
                named = {ref.name: ref for ref in reversed(edge.destinations)}
                for ref in dict.fromkeys(edge.destinations):
                    if ref.name in earlier and named[ref.name] is ref:
                        yield self.found(
                            ref.location,
                            f'"{ref.name}" is started twice: another edge has the same sources and condition',
                            note="started once more",
                            related=(Related(earlier[ref.name].span, "the other edge starts it here"),),
                            fixes=fixes_of((f'do not start "{ref.name}" again', False, _without(edge, ref))),
                        )
                for name, ref in named.items():
                    earlier.setdefault(name, ref)


def _without(edge: EdgeDef, ref: NameRef) -> tuple[Edit, ...]:
    """Edits that take a destination away; with the last one the edge."""
    several = edge.destinations is not None and len(edge.destinations) > 1
    return (ref if several else edge).location.removed()
