from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.analysis.uses import nodes_named
from selinon_core.lint.rule import LintContext, Rule


class UnknownNode(Rule):
    """A flow names a node that is neither a task nor a flow.

    What it does: Checks the names in ``from``, ``to``, ``nodes``, ``fallback``, ``nowait``,
    ``eager_failures`` and ``selective.tasks`` against all tasks and flows of all files.

    Why it is bad: A node without a definition can be neither started nor waited for, so the flow cannot run.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fecth

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
    """

    code = "SEL201"
    severity = Severity.ERROR
    title = "unknown node"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            for ref in nodes_named(flow):
                if not project.is_known(ref.name):
                    yield self.found(
                        ref.location,
                        f'unknown node "{ref.name}"',
                        note="no task or flow has this name",
                        help=project.did_you_mean_one_of("node", ref.name, project.nodes),
                    )
