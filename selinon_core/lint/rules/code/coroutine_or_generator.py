from __future__ import annotations

from collections.abc import Iterator

from selinon_core.config.model import NameRef
from selinon_core.diagnostics import Diagnostic, Related, Severity
from selinon_core.lint.analysis.code_uses import CodeUse, Role
from selinon_core.lint.code.symbols import Kind, Returns, Symbol
from selinon_core.lint.rule import LintContext, Rule

#: The methods that are called of classes.
METHODS = {
    Role.TASK: ("run",),
    Role.STORAGE: ("connect", "is_connected", "disconnect", "retrieve", "store", "store_error", "delete"),
    Role.CACHE: ("add", "get"),
}
#: What may be returned besides a value: tasks are awaited, and a foreach function may yield its items.
FINE = {Role.TASK: Returns.COROUTINE, Role.FOREACH: Returns.GENERATOR}


class CoroutineOrGenerator(Rule):
    """A function is ``async`` or has a ``yield`` where its value is needed.

    What it does: Looks at ``run`` of tasks, the methods of storages and caches, predicates, strategies, and at
    foreach, selective run and trace functions. ``async def run`` is awaited and a foreach function may yield its
    items; nothing else may be ``async`` or a generator. Decorated functions are left out.

    Why it is bad: A call gives a coroutine or a generator, and the body is never executed. Such an object is true,
    so that a predicate always holds.

    Example:
        # shop.py
        #   from selinon import SelinonTask
        #   class Fetch(SelinonTask):
        #       def run(self, node_args):
        #           yield {"pages": 1}
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
        #       async def run(self, node_args):
        #           return {"pages": 1}
        tasks:
          - name: Fetch
            import: shop
        flow-definitions:
          - name: nightly
            edges:
              - from:
                to: Fetch
    """

    code = "SEL611"
    severity = Severity.ERROR
    title = "coroutine or generator instead of a value"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for use in project.code_uses:
            for what, symbol in _called(project, use):
                yield from self._judge(use.function.name, what, symbol, FINE.get(use.role))
        first = {use.leaf.name.name: use.leaf.name for use in reversed(project.leaf_uses)}
        for name in reversed(first):
            predicate = project.predicates.own_symbol(name)
            if predicate is not None:
                yield from self._judge(first[name], f'predicate "{name}"', predicate, None)

    def _judge(self, name: NameRef, what: str, symbol: Symbol, fine: Returns | None) -> Iterator[Diagnostic]:
        given = symbol.returns
        if symbol.kind is not Kind.FUNCTION or given in (Returns.VALUE, fine):
            return
        note, help = "its body is never executed", "return the value, without yield"
        if given is Returns.COROUTINE:
            note, help = "nothing awaits it", "write it without async, for example with asyncio.run inside"
        article = "an" if given is Returns.ASYNC_GENERATOR else "a"
        yield self.found(
            name.location,
            f"a call of {what} gives {article} {given.value}",
            note=note,
            help=help,
            related=(Related(symbol.span, "it is defined here"),),
        )


def _called(project: LintContext, use: CodeUse) -> Iterator[tuple[str, Symbol]]:
    """What is called of a class or function that the project names."""
    function, role = use.function, use.role
    symbol = project.code.lookup(function.module.name, function.name.name)
    if symbol is None:
        return
    if role not in METHODS:
        yield f'{role.value} "{function.name.name}"', symbol
    elif symbol.kind is Kind.CLASS:
        for method in METHODS[role]:
            found = project.code.method(symbol, method)
            if found is not None:
                yield f'"{method}" of {role.value} "{function.name.name}"', found
