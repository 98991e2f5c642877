from __future__ import annotations

from collections.abc import Iterator

from selinon_core import shipped
from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.analysis.keywords import argument_spot, mismatch
from selinon_core.lint.analysis.uses import cache_uses, is_shipped_cache
from selinon_core.lint.code.symbols import Signature
from selinon_core.lint.rule import LintContext, Rule
from selinon_core.lint.words import plural, quoted, suggested


class CacheArguments(Rule):
    """A shipped cache is given arguments that it does not take, or not all that it needs.

    What it does: Compares ``cache.configuration`` with the parameters of the shipped cache's class.

    Why it is bad: The cache cannot be made, and the storage behind it cannot be used.

    Example:
        storages:
          - name: Results
            import: selinon.storages.memory
            classname: InMemoryStorage
            cache:
              name: LRU
              configuration: {max_size: 100}

    Use instead:
        storages:
          - name: Results
            import: selinon.storages.memory
            classname: InMemoryStorage
            cache:
              name: LRU
              configuration: {max_cache_size: 100}
    """

    code = "SEL215"
    severity = Severity.ERROR
    title = "wrong arguments of a cache"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for cache in cache_uses(project.model):
            if not is_shipped_cache(cache) or cache.function is None:
                continue
            name = cache.function.name
            taken = shipped.CACHES.get(name.name)
            if taken is None:
                continue
            names = (*taken.required, *taken.optional)
            differs = mismatch(cache.configuration, Signature(names, frozenset(names), frozenset(taken.required)))
            for arg, meant in differs.unknown:
                yield self.found(
                    argument_spot(cache, "configuration", arg),
                    f'cache "{name.name}" does not take an argument "{arg}"',
                    note="unknown argument",
                    help=suggested(meant, differs.taken),
                )
            if differs.missing:
                yield self.found(
                    name.spot,
                    f'cache "{name.name}" needs {plural("argument", differs.missing)}',
                    note="not given",
                    help=f'add {quoted(differs.missing)} to "configuration"',
                )
