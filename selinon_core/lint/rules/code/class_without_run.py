from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.analysis.code_uses import Role
from selinon_core.lint.code.symbols import Kind
from selinon_core.lint.rule import LintContext, Rule


class ClassWithoutRun(Rule):
    """The class of a task has no method ``run``.

    What it does: Looks for ``run`` in the class and its base classes, as far as these can be followed; a
    class with a metaclass or a decorator may get the method in other ways, and nothing is said.

    Why it is bad: ``run`` is what running the task means.

    Example:
        # shop.py
        #   from selinon import SelinonTask
        #   class Fetch(SelinonTask):
        #       def rum(self, node_args):
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

    code = "SEL603"
    severity = Severity.ERROR
    title = "task class without run"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for use in project.code_uses:
            function, role = use.function, use.role
            if role is not Role.TASK:
                continue
            symbol = project.code.lookup(function.module.name, function.name.name)
            if symbol is None or symbol.kind is not Kind.CLASS or project.code.method(symbol, "run") is not None:
                continue
            yield self.found(
                function.name.location,
                f'class "{function.name.name}" in "{function.module.name}" has no method "run"',
                note="expected run(self, node_args)",
                related=(Related(symbol.span, "the class is here"),),
            )
