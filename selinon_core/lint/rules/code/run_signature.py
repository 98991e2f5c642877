from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.analysis.code_uses import Role
from selinon_core.lint.code.symbols import Kind
from selinon_core.lint.rule import LintContext, Rule


class RunSignature(Rule):
    """``run`` of a task can be called neither with one argument nor by name.

    What it does: Looks at the parameters of ``run`` in the class, or in the base class that has it. A
    decorated method may have other parameters than it shows, and nothing is said.

    Why it is bad: A task is run as ``run(node_args)``, or, when all parameters are keyword-only, with the keys of
    its arguments: ``run(self, *, number)``. Every attempt would fail.

    Example:
        # shop.py
        #   from selinon import SelinonTask
        #   class Fetch(SelinonTask):
        #       def run(self):
        #           return 1
        tasks:
          - name: Fetch
            import: shop
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch

    Use instead:
        # shop.py
        #   from selinon import SelinonTask
        #   class Fetch(SelinonTask):
        #       def run(self, node_args):
        #           return 1
        tasks:
          - name: Fetch
            import: shop
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
    """

    code = "SEL604"
    severity = Severity.ERROR
    title = "run with wrong parameters"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for use in project.code_uses:
            function, role = use.function, use.role
            if role is not Role.TASK:
                continue
            symbol = project.code.lookup(function.module.name, function.name.name)
            if symbol is None or symbol.kind is not Kind.CLASS:
                continue
            run = project.code.method(symbol, "run")
            if run is None or run.signature is None:
                continue
            if run.signature.accepts_positional(1) or run.signature.is_by_name:
                continue
            yield self.found(
                function.name.location,
                f'"run" of class "{function.name.name}" cannot be called as run(node_args)',
                note="expected run(self, node_args)",
                related=(Related(run.span, f"it takes {run.signature} besides self"),),
            )
