from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.rule import LintContext, Rule


class SelectiveDestination(Rule):
    """An edge with ``selective`` starts something else than one flow.

    What it does: Counts the destinations of such edges and checks that it is one flow.

    Why it is bad: A selective run is a run of one flow, limited to what leads to some of its tasks.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: [publish, Fetch]
                selective:
                  tasks: [Notify]

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: publish
                selective:
                  tasks: [Notify]
              - from:
                to: Fetch
    """

    code = "SEL421"
    severity = Severity.ERROR
    title = "selective run of something else than one flow"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            for edge in flow.edges:
                refs = edge.destinations
                if edge.selective is None or not refs:
                    continue
                here = (Related(edge.key_location("selective").span, '"selective" is given here'),)
                if len(refs) > 1:
                    yield self.found(
                        refs[1].location,
                        "a selective edge has one destination",
                        note="a second one",
                        related=here,
                    )
                elif refs[0].name in project.model.task_by_name:
                    yield self.found(
                        refs[0].location,
                        f'"{refs[0].name}" is a task; only flows run selectively',
                        note="expected a flow",
                        related=here,
                    )
