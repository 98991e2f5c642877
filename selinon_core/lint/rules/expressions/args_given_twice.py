from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import EdgeDef, FailureDef, FlowDef, ForeachDef
from selinon_core.diagnostics import Diagnostic, Related, Severity, fixes_of
from selinon_core.lint.rule import LintContext, Rule


class ArgsGivenTwice(Rule):
    """Nodes get `args`, and the item of a foreach function or the flow's arguments as well.

    What it does: Compares `args` of edges and failures with `foreach.propagate_result` and with
    `propagate_node_args`; `true` names every sub-flow.

    Why it is bad: A node has one value as arguments. `args` say it all: the item is `item` in them, the flow's
    arguments are `args`.

    Example:
        flow-definitions:
          - name: nightly
            propagate_node_args: publish
            edges:
              - from:
                to: publish
                args: {page: 1}

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: publish
                args: {page: 1}
    """

    code = "SEL444"
    severity = Severity.ERROR
    title = "arguments given twice"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            entries: tuple[EdgeDef | FailureDef, ...] = (*flow.edges, *flow.failures)
            for entry in entries:
                if entry.args is not None:
                    yield from self._item(entry)
                    yield from self._flow_args(project, flow, entry)

    def _item(self, entry: EdgeDef | FailureDef) -> Iterator[Diagnostic]:
        foreach = entry.foreach if isinstance(entry, EdgeDef) else None
        if isinstance(foreach, ForeachDef) and foreach.propagate_result:
            yield self.found(
                entry.key_location("args"),
                '"args" are given beside "propagate_result", which makes the item the arguments',
                note="the item is item in args",
                help='remove "propagate_result"',
                related=(Related(foreach.key_location("propagate_result").span, "the item is given here"),),
                fixes=fixes_of(('remove "propagate_result"', False, foreach.without("propagate_result"))),
            )

    def _flow_args(self, project: LintContext, flow: FlowDef, entry: EdgeDef | FailureDef) -> Iterator[Diagnostic]:
        given = entry.destinations if isinstance(entry, EdgeDef) else entry.fallback
        for ref in dict.fromkeys(given or ()):
            if project.model.is_flow(ref.name) and flow.propagate_node_args.covers(ref.name):
                flag = flow.key_location("propagate_node_args").span
                named = [one.location for one in flow.propagate_node_args.refs if one.name == ref.name]
                yield self.found(
                    entry.key_location("args"),
                    f'"{ref.name}" would get both "args" and the arguments of the flow',
                    note="the arguments of the flow are args in them",
                    help='remove the sub-flow from "propagate_node_args"',
                    related=(Related(flag, '"propagate_node_args" is set here'),),
                    fixes=fixes_of(*[(f'remove "{ref.name}" there', False, place.removed()) for place in named]),
                )
