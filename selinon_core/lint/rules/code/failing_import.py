from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.diagnostics.location import NOWHERE
from selinon_core.lint.analysis.code_uses import modules_named
from selinon_core.lint.code.symbols import ModuleState
from selinon_core.lint.rule import LintContext, Rule


class FailingImport(Rule):
    """A module raises an exception while it is imported.

    What it does: With ``--import``, imports every module that the files name. Each is mentioned once.

    Why it is bad: A worker imports the same module and fails in the same way.

    Example:  with --import
        # shop.py
        #   raise RuntimeError("no license")
        tasks:
          - name: Fetch
            import: shop
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch

    Use instead:  with --import
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

    code = "SEL608"
    severity = Severity.ERROR
    title = "module that cannot be imported"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for module, refs in modules_named(project.model).items():
            if project.code.state(module) is not ModuleState.BROKEN or not project.code.fault(module).raised:
                continue
            fault = project.code.fault(module)
            yield self.found(
                min(refs, key=lambda ref: ref.span).location,
                f'importing module "{module}" failed: {fault.message}',
                note="cannot be imported",
                related=() if fault.span is NOWHERE else (Related(fault.span, "raised here"),),
            )
