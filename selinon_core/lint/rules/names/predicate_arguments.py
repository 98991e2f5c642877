from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.analysis.configured import Callee, argument_faults
from selinon_core.lint.rule import LintContext, Rule


class PredicateArguments(Rule):
    """A predicate is given arguments that it does not take, or not all that it needs.

    What it does: Compares ``args`` with the parameters of the predicate. ``message`` and ``node_args`` are
    handed in and cannot be configured. Predicates of the project are read from their source; where that
    cannot be found, or a decorator may have changed the parameters, nothing is said.

    Why it is bad: The call fails when the edge is considered, and the flow with it.

    Example:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition:
                  name: fieldEqual
                  args: {key: status, valeu: ok}

    Use instead:
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
              - from: Fetch
                to: Store
                condition:
                  name: fieldEqual
                  args: {key: status, value: ok}
    """

    code = "SEL213"
    severity = Severity.ERROR
    title = "wrong arguments of a predicate"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for call in project.configured(Callee.PREDICATE):
            for fault in argument_faults(call):
                yield self.found(
                    fault.location, fault.message, note=fault.note, help=fault.help, related=call.related
                )
