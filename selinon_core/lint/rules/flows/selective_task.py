from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.analysis.facts import reached
from selinon_core.lint.rule import LintContext, Rule


class SelectiveTask(Rule):
    """A selective edge names a task that its sub-flow never runs.

    What it does: Looks for the tasks in the edges of the sub-flow and, with ``follow_subflows``, of the flows
    below it. A fallback does not lead to a task in a selective run.

    Why it is bad: A selective run that does not find its task fails.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: publish
                selective:
                  tasks: [Fetch]

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: publish
                selective:
                  tasks: [Notify]
    """

    code = "SEL422"
    severity = Severity.ERROR
    title = "selective run of a task that is not there"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        model = project.model
        below: dict[tuple[str, bool], frozenset[str] | None] = {}
        for flow in model.flows:
            for edge in flow.edges:
                if edge.selective is None or len(edge.destinations or ()) != 1:
                    continue
                assert edge.destinations is not None
                called = model.flow_by_name.get(edge.destinations[0].name)
                if called is None or not edge.selective.tasks:
                    continue
                key = (called.name.name, edge.selective.follow_subflows)
                if key not in below:
                    below[key] = _started_below(project, *key)
                found = below[key]
                if found is None:
                    continue
                for ref in edge.selective.tasks:
                    if ref.name in found or not project.is_known(ref.name):
                        continue
                    further = " and the flows below it" if edge.selective.follow_subflows else ""
                    yield self.found(
                        ref.location,
                        f'no path of edges in flow "{called.name.name}"{further} leads to "{ref.name}"',
                        note="not on any path",
                        help=project.did_you_mean(f"below {key}", ref.name, found),
                        related=(Related(called.name.span, f'flow "{called.name.name}" is defined here'),),
                    )


def _started_below(project: LintContext, flow_name: str, follow: bool) -> frozenset[str] | None:
    """The names that a path of edges leads to, in the flow or below it; None when some of it cannot be read."""
    model = project.model
    found: dict[str, None] = {}
    todo, done = [flow_name], {flow_name}
    for name in todo:
        flow = model.flow_by_name[name]
        facts = project.facts(flow)
        if not facts.reliable:
            return None
        # What is waited for and never started is reported elsewhere, and supposed to start.
        for started in sorted(reached(facts.edges, facts.supposed)):
            found[started] = None
            if follow and started in model.flow_by_name and started not in done:
                done.add(started)
                todo.append(started)
    return frozenset(found)
