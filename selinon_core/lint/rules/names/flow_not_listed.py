from __future__ import annotations

from collections.abc import Iterator, Sequence

from selinon_core.config.model import NameRef
from selinon_core.diagnostics import Diagnostic, Fix, Related, Severity, fixes_of
from selinon_core.lint.rule import LintContext, Rule


class FlowNotListed(Rule):
    """A flow is defined but missing in the ``flows`` list.

    What it does: Compares ``flow-definitions`` with the ``flows`` sections, if there are any in the files.

    Why it is bad: The list is there to be complete; a flow that is missing was forgotten, or is meant to be
    gone.

    Example:
        flows: [nightly]
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
          - name: weekly
            edges:
              - from:
                to: [Fetch, Report]

    Use instead:
        flows: [nightly, weekly]
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
          - name: weekly
            edges:
              - from:
                to: [Fetch, Report]
    """

    code = "SEL212"
    severity = Severity.ERROR
    title = "flow defined but not listed"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        model = project.model
        if model.flow_list is None or model.incomplete:
            return
        listed = {ref.name for ref in model.flow_list}
        misspelt = [name for name in listed if name not in model.flow_by_name]
        meant = {project.closest("flow", name, model.flow_by_name) for name in misspelt}
        for name, flow in model.flow_by_name.items():
            if name not in listed and name not in meant:
                related = (Related(model.flow_list[0].span, "the list of flows is here"),) if listed else ()
                yield self.found(
                    flow.name.location,
                    f'flow "{name}" is missing in the list of flows',
                    note="defined, but not listed",
                    help='add it to "flows", or leave that section out altogether',
                    related=related,
                    fixes=_added(name, model.flow_list),
                )


def _added(name: str, listed: Sequence[NameRef]) -> tuple[Fix, ...]:
    return fixes_of((f'add "{name}" to the list', True, listed[-1].location.followed_by(name))) if listed else ()
