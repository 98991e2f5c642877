from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import StorageDef, TaskDef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.diagnostics.location import NOWHERE
from selinon_core.lint.analysis.code_uses import CLASSES
from selinon_core.lint.code.symbols import Kind, ModuleState
from selinon_core.lint.rule import LintContext, Rule


class NameNotFound(Rule):
    """A module has no class or function of the name.

    What it does: Reads the text of the module and looks for the name among its definitions and imports;
    re-exports, also with ``*``, are followed. Where a link cannot be followed, or the module makes names as
    it runs, nothing is said. With ``--import`` the imported module is asked.

    Why it is bad: The task, storage or function cannot be used; a worker fails when it comes to it.

    Example:
        # shop.py
        #   from selinon import SelinonTask
        #   class Fetch(SelinonTask):
        #       def run(self, node_args):
        #           return 1
        tasks:
          - name: FetchPage
            import: shop
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: FetchPage

    Use instead:
        # shop.py
        #   from selinon import SelinonTask
        #   class Fetch(SelinonTask):
        #       def run(self, node_args):
        #           return 1
        tasks:
          - name: FetchPage
            import: shop
            classname: Fetch
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: FetchPage
    """

    code = "SEL602"
    severity = Severity.ERROR
    title = "class or function not found"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for use in project.code_uses:
            function, role = use.function, use.role
            module, name = function.module.name, function.name.name
            if not name or project.code.state(module) is not ModuleState.FOUND:
                continue
            symbol = project.code.lookup(module, name)
            wanted = "class" if role in CLASSES else "function"
            if symbol is None:
                close = project.did_you_mean(f"name in {module}", name, project.code.names(module))
                entries: tuple[TaskDef | StorageDef, ...] = (*project.model.tasks, *project.model.storages)
                if any(function.name is entry.name for entry in entries):
                    close = str(close)  # the name of the entry, which has other uses
                default = 'without "classname" the class has the name of the entry' if role in CLASSES else ""
                yield self.found(
                    function.name.location,
                    f'module "{module}" has no {wanted} "{name}"',
                    note=f"no {role.value} of this name",
                    help=close or default,
                )
            elif symbol.kind in (Kind.MODULE, Kind.VALUE) or (role in CLASSES and symbol.kind is Kind.FUNCTION):
                yield self.found(
                    function.name.location,
                    f'"{name}" in module "{module}" is a {symbol.kind.value}, not a {wanted}',
                    note=f"expected a {role.value}",
                    related=(Related(symbol.span, "it is defined here"),) if symbol.span is not NOWHERE else (),
                )
