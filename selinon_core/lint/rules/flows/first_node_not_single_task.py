from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import EdgeDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.rule import LintContext, Rule


class FirstNodeNotSingleTask(Rule):
    """``node_args_from_first`` in a flow that does not begin with one task.

    What it does: Counts starting edges and what they start: it has to be one edge with one task, once,
    without foreach.

    Why it is bad: The result of the first task becomes the arguments of all later nodes. With several nodes
    none is the first, and a sub-flow has no result.

    Example:
        flow-definitions:
          - name: nightly
            node_args_from_first: true
            edges:
              - from:
                to: [Fetch, Parse]

    Use instead:
        flow-definitions:
          - name: nightly
            node_args_from_first: true
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Parse
    """

    code = "SEL418"
    severity = Severity.ERROR
    title = "arguments from a first task that is not one"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            if not flow.node_args_from_first:
                continue
            starts = [edge for edge in flow.edges if edge.is_start]
            flag = Related(flow.key_location("node_args_from_first").span, '"node_args_from_first" is set here')
            for edge in starts[1:]:
                yield self.found(
                    edge.key_location("from"),
                    '"node_args_from_first" allows one starting edge only',
                    note="another starting edge",
                    related=(flag, Related(starts[0].span, "the first one is here")),
                )
            if len(starts) == 1:
                yield from self._one_task(project, starts[0], flag)

    def _one_task(self, project: LintContext, edge: EdgeDef, flag: Related) -> Iterator[Diagnostic]:
        refs = edge.destinations or ()
        if len(refs) > 1:
            yield self.found(
                refs[1].location,
                '"node_args_from_first" allows one starting task only',
                note="started once more" if refs[1].name == refs[0].name else "a second one",
                related=(flag,),
            )
        elif refs and project.model.is_flow(refs[0].name):
            yield self.found(
                refs[0].location,
                f'"node_args_from_first" needs the result of a task, but "{refs[0].name}" is a flow',
                note="expected a task",
                related=(flag,),
            )
        if edge.foreach is not None:
            yield self.found(
                edge.key_location("foreach"),
                '"node_args_from_first" allows no foreach on the starting edge',
                note="it may start the task several times",
                related=(flag,),
            )
