from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.schema.types import is_module
from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.diagnostics.kinds import shorten
from selinon_core.diagnostics.wording import is_slip, question
from selinon_core.lint.analysis.code_uses import modules_named
from selinon_core.lint.code.symbols import ModuleState
from selinon_core.lint.rule import LintContext, Rule


class ModuleNotFound(Rule):
    """A module cannot be found.

    What it does: Looks for every module that the files name, in the directories of ``--pythonpath`` and
    ``[tool.selinon] pythonpath``, in the project's root and where this interpreter would look. Nothing is
    imported. Each module is mentioned once, and what is in it is not checked.

    Why it is bad: A worker cannot run without the module. It is an error where the project has a module that
    differs in a letter or two, and a warning else, because the linter often runs without the project's
    dependencies.

    Example:
        tasks:
          - name: Fetch
            import: shop.tsaks
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch

    Use instead:
        # shop/tasks.py
        #   from selinon import SelinonTask
        #   class Fetch(SelinonTask):
        #       def run(self, node_args):
        #           return 1
        tasks:
          - name: Fetch
            import: shop.tasks
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
    """

    code = "SEL601"
    severity = Severity.WARNING
    title = "module not found"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        named = modules_named(project.model)
        missing = [
            module
            for module in named
            if is_module(module)  # another rule reports the others
            and project.code.state(module) is ModuleState.MISSING
        ]
        explained = False
        for module in missing:
            first, *others = sorted(named[module], key=lambda ref: ref.span)
            more = f" ({len(others)} more use{'s' if len(others) > 1 else ''})" if others else ""
            meant = project.code.like(module)
            help = "" if explained else "--pythonpath or [tool.selinon] pythonpath say where modules are"
            if meant is not None:
                help = question(meant, written=module, known=(meant,))
            else:
                explained = True
            yield self.found(
                first.location,
                f'module "{shorten(module)}" cannot be found{more}',
                note="what is in it is not checked",
                help=help,
                severity=Severity.ERROR if meant is not None and _is_certain(module, meant) else None,
            )


def _is_certain(module: str, meant: str) -> bool:
    return module.removesuffix(".py") == meant or is_slip(module, meant)
