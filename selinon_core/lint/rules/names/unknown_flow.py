from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import FlowDef, NameRef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.analysis.flags import PROPAGATION
from selinon_core.lint.rule import LintContext, Rule


class UnknownFlow(Rule):
    """A name that has to be a flow's is not.

    What it does: Checks the names in ``propagate_*`` and ``selective.run_subsequent``, and in ``flows`` of
    ``notify``, against all flows.

    Why it is bad: What is to be passed on to a flow, or collected from it, needs that flow; tasks always get
    their arguments and parents.

    Example:
        flow-definitions:
          - name: nightly
            propagate_node_args: publsh
            edges:
              - from: Fetch
                to: publish
              - from:
                to: Fetch

    Use instead:
        flow-definitions:
          - name: nightly
            propagate_node_args: publish
            edges:
              - from: Fetch
                to: publish
              - from:
                to: Fetch
    """

    code = "SEL202"
    severity = Severity.ERROR
    title = "unknown flow"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        model = project.model
        notified = [notify.flows for notify in model.settings.notify or ()]
        for refs in (*(_flows_named(flow) for flow in model.flows), *notified):
            for ref in refs:
                if project.may_be_flow(ref.name):
                    continue
                task = model.task_by_name.get(ref.name)
                if task is None:
                    yield self.found(
                        ref.location,
                        f'unknown flow "{ref.name}"',
                        note="no flow has this name",
                        help=project.did_you_mean_one_of("flow", ref.name, model.flow_by_name),
                    )
                else:
                    yield self.found(
                        ref.location,
                        f'"{ref.name}" is a task, not a flow',
                        note="expected the name of a flow",
                        related=(Related(task.name.span, f'task "{ref.name}" is defined here'),),
                    )


def _flows_named(flow: FlowDef) -> Iterator[NameRef]:
    for flag in PROPAGATION:
        yield from flag.names(flow).refs
    for edge in flow.edges:
        if edge.selective is not None:
            yield from edge.selective.run_subsequent.refs
