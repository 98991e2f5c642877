from __future__ import annotations

from collections.abc import Hashable, Iterator

from selinon_core.config.model import FailureDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.diagnostics.wording import quoted
from selinon_core.lint.analysis.same import failure_key
from selinon_core.lint.rule import LintContext, Rule


class RepeatedFailure(Rule):
    """Two fallbacks are for the same nodes under the same condition.

    What it does: Compares nodes and conditions of the failures of a flow.

    Why it is bad: Both fallbacks run. Where that is wanted, one entry with a longer ``fallback`` says so.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
            failures:
              - nodes: Fetch
                fallback: Rescue
              - nodes: Fetch
                fallback: Notify

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
            failures:
              - nodes: Fetch
                fallback: [Rescue, Notify]
    """

    code = "SEL507"
    severity = Severity.WARNING
    title = "two fallbacks for the same nodes"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for flow in project.model.flows:
            first: dict[Hashable, FailureDef] = {}
            for failure in flow.failures:
                if not failure.nodes:
                    continue
                earlier = first.setdefault(failure_key(failure), failure)
                if earlier is not failure and earlier.nodes:
                    names = dict.fromkeys(ref.name for ref in failure.nodes)
                    yield self.found(
                        failure.nodes[0].location,
                        f"a second fallback for {quoted(names)} under the same condition",
                        note="both run",
                        help='write one entry with all of them in "fallback"',
                        related=(Related(earlier.nodes[0].span, "the first one is here"),),
                    )
