from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.analysis.code_uses import Role
from selinon_core.lint.code.symbols import Kind
from selinon_core.lint.rule import LintContext, Rule

#: What a task class is called with, by name.
CALLED_WITH = ("flow_name", "task_name", "parent", "task_id", "dispatcher_id")


class TaskConstructor(Rule):
    """The class of a task cannot be built: its constructor does not take what it is called with.

    What it does: Looks at the parameters of ``__init__`` in the class and its base classes, as far as these can
    be followed. A class with a metaclass or a decorator may be built in other ways, and nothing is said.

    Why it is bad: Every attempt would fail before ``run`` is called. Mostly the base class was forgotten.

    Example:
        # shop.py
        #   class Fetch:
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

    code = "SEL609"
    severity = Severity.ERROR
    title = "task class that cannot be built"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for use in project.code_uses:
            function, role = use.function, use.role
            if role is not Role.TASK:
                continue
            symbol = project.code.lookup(function.module.name, function.name.name)
            if symbol is None or symbol.kind is not Kind.CLASS or project.code.method(symbol, "run") is None:
                continue  # without run it is not a task class, which another rule reports
            init = project.code.method(symbol, "__init__")
            if init is None:
                if project.code.method(symbol, "__new__") is not None:
                    continue
                related = Related(symbol.span, "the class is here, without __init__")
                remedy = "inherit from SelinonTask of selinon_core"
            elif init.signature is None or init.signature.accepts_named(CALLED_WITH):
                continue
            else:
                related = Related(init.span, f"it takes {init.signature} besides self")
                remedy = "take **names, and hand them on to super().__init__(**names)"
            yield self.found(
                function.name.location,
                f'class "{function.name.name}" cannot be built as a task',
                note=f"expected __init__(self, {', '.join(CALLED_WITH)})",
                help=remedy,
                related=(related,),
            )
