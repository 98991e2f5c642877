from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.analysis.configured import Callee, argument_faults
from selinon_core.lint.rule import LintContext, Rule


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
        for call in project.configured(Callee.SHIPPED_CACHE):
            for fault in argument_faults(call):
                yield self.found(
                    fault.location, fault.message, note=fault.note, help=fault.help, related=call.related
                )
