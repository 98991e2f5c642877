from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import FlowDef, NameRef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.diagnostics.wording import quoted
from selinon_core.lint.analysis.facts import reached
from selinon_core.lint.rule import LintContext, Rule
from selinon_core.plan.components import cyclic, shortest_cycle


class EndlessRecursion(Rule):
    """A flow starts itself on every run, directly or through other flows.

    What it does: Works out which sub-flows a flow starts whatever happens: those that edges without
    condition, foreach and selective lead to from the start. Flows that start each other in this way are
    reported.

    Why it is bad: Every run starts another one, without end.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: nightly

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: nightly
                condition:
                  name: fieldExist
                  args: {key: next_page}
    """

    code = "SEL304"
    severity = Severity.ERROR
    title = "recursion without end"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        model = project.model
        calls = {name: _always_started(project, flow) for name, flow in model.flow_by_name.items()}
        order = {name: position for position, name in enumerate(calls)}
        for members in cyclic(calls):
            first = min(members, key=order.__getitem__)
            circle = shortest_cycle(calls, first, set(members))
            hops = list(zip(circle, (*circle[1:], first), strict=True))
            if len(circle) == 1:
                message = f'flow "{first}" always starts itself'
            else:
                path = " -> ".join(f'"{name}"' for name in (*circle, first))
                message = f"flows {quoted(circle)} always start each other: {path}"
            yield self.found(
                calls[hops[0][0]][hops[0][1]].location,
                message,
                note="no condition or foreach on the way",
                help="give an edge on the way a condition that ends the recursion",
                related=[
                    Related(calls[caller][called].span, f'"{caller}" starts "{called}" here')
                    for caller, called in hops[1:6]
                ],
            )


def _always_started(project: LintContext, flow: FlowDef) -> dict[str, NameRef]:
    """The sub-flows that every run of a flow starts, each with the place where it is started first."""
    model = project.model
    if not any(model.is_flow(ref.name) for edge in flow.edges for ref in edge.destinations or ()):
        return {}
    steps = [step for step in project.facts(flow).edges if not step.guarded]
    started = reached(steps, ())
    found: dict[str, NameRef] = {}
    for step in steps:
        if started.issuperset(step.sources):
            for ref in getattr(step.origin, "destinations", None) or ():
                if model.is_flow(ref.name):
                    found.setdefault(ref.name, ref)
    return found
