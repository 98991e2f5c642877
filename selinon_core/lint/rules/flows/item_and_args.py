from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Related, Severity, fixes_of
from selinon_core.lint.rule import LintContext, Rule


class ItemAndArgs(Rule):
    """A sub-flow is to get both the item of a foreach and the flow's arguments.

    What it does: Compares the destinations of edges with ``foreach.propagate_result`` with
    ``propagate_node_args``; ``true`` names every sub-flow.

    Why it is bad: A flow has one value as arguments, and it cannot be both.

    Example:
        flow-definitions:
          - name: nightly
            propagate_node_args: publish
            edges:
              - from:
                to: publish
                foreach:
                  import: shop.items
                  function: pages
                  propagate_result: true

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: publish
                foreach:
                  import: shop.items
                  function: pages
                  propagate_result: true
    """

    code = "SEL420"
    severity = Severity.ERROR
    title = "item and arguments for one sub-flow"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            if not flow.propagate_node_args:
                continue
            for edge in flow.edges:
                if edge.foreach is None or not edge.foreach.propagate_result:
                    continue
                for ref in dict.fromkeys(edge.destinations or ()):
                    if project.model.is_flow(ref.name) and flow.propagate_node_args.covers(ref.name):
                        flag = flow.key_location("propagate_node_args").span
                        yield self.found(
                            edge.foreach.key_location("propagate_result"),
                            f'"{ref.name}" would get both the item of the foreach and the arguments of the flow',
                            note="the item becomes the arguments",
                            help='remove the sub-flow from "propagate_node_args", or this line',
                            related=(Related(flag, '"propagate_node_args" is set here'),),
                            fixes=fixes_of(
                                (
                                    'remove "propagate_result"',
                                    False,
                                    edge.foreach.without("propagate_result"),
                                )
                            ),
                        )
