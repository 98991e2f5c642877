from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.analysis.code_uses import Role
from selinon_core.lint.code.symbols import Kind
from selinon_core.lint.rule import LintContext, Rule

#: What functions are called with, by position; a strategy gets its ``args`` by name as well.
CALLED_WITH = {
    Role.FOREACH: ("storage_pool", "node_args"),
    Role.SELECTIVE: ("flow_name", "node_name", "node_args", "task_names", "storage_pool"),
    Role.TRACE: ("event", "report"),
    Role.NOTIFY: ("notice",),
}


class FunctionSignature(Rule):
    """A function cannot be called the way it will be.

    What it does: Looks at the parameters of foreach functions, selective run functions, strategies and trace
    functions. A decorated function may have other parameters than it shows, and nothing is said.

    Why it is bad: The call fails, and the flow with it.

    Example:
        # shop.py
        #   from selinon import SelinonTask
        #   def pages(node_args):
        #       return [1, 2, 3]
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
                foreach:
                  import: shop
                  function: pages

    Use instead:
        # shop.py
        #   from selinon import SelinonTask
        #   def pages(storage_pool, node_args):
        #       return [1, 2, 3]
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
                foreach:
                  import: shop
                  function: pages
    """

    code = "SEL605"
    severity = Severity.ERROR
    title = "function with wrong parameters"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for use in project.code_uses:
            function, role = use.function, use.role
            if role is not Role.STRATEGY and role not in CALLED_WITH:
                continue
            symbol = project.code.lookup(function.module.name, function.name.name)
            if symbol is None or symbol.kind is not Kind.FUNCTION or symbol.signature is None:
                continue
            name = function.name.name
            if role is Role.STRATEGY:
                expected = f"{name}(status, **args)"
                fits = bool(symbol.signature.positional) or symbol.signature.takes_more_positional
            else:
                expected = f"{name}({', '.join(CALLED_WITH[role])})"
                fits = symbol.signature.accepts_positional(len(CALLED_WITH[role]))
            if not fits:
                yield self.found(
                    function.name.location,
                    f'{role.value} "{name}" cannot be called as {expected}',
                    note="other parameters are expected",
                    related=(Related(symbol.span, f"it is defined here, with {symbol.signature}"),),
                )
