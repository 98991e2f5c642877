from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.analysis.code_uses import modules_named
from selinon_core.lint.code.symbols import ModuleState
from selinon_core.lint.rule import LintContext, Rule


class BrokenModule(Rule):
    """A module is not valid Python.

    What it does: Parses every module that the files name and that can be found. Each is mentioned once.

    Why it is bad: The module cannot be imported, so nothing in it can be used.

    Example:
        # shop.py
        #   class Fetch
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

    code = "SEL607"
    severity = Severity.ERROR
    title = "module that is not valid Python"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for module, refs in modules_named(project.model).items():
            if project.code.state(module) is not ModuleState.BROKEN or project.code.fault(module).raised:
                continue
            fault = project.code.fault(module)
            yield self.found(
                min(refs, key=lambda ref: ref.span).location,
                f'module "{module}" is not valid Python: {fault.message}',
                note="cannot be imported",
                related=(Related(fault.span, fault.message),),
            )
