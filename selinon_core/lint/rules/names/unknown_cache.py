from __future__ import annotations

from collections.abc import Iterator

from selinon_core.diagnostics import Diagnostic, Severity
from selinon_core.lint.analysis.uses import cache_uses, is_shipped_cache
from selinon_core.lint.rule import LintContext, Rule
from selinon_core.plan import shipped


class UnknownCache(Rule):
    """A cache is none of the shipped ones.

    What it does: Checks the name of a cache that is looked up among the shipped ones, because ``import`` is
    left out or names their module.

    Why it is bad: A storage whose cache cannot be made cannot be used.

    Example:
        storages:
          - name: Results
            import: selinon.storages.memory
            classname: InMemoryStorage
            cache:
              name: LUR
              configuration: {max_cache_size: 100}

    Use instead:
        storages:
          - name: Results
            import: selinon.storages.memory
            classname: InMemoryStorage
            cache:
              name: LRU
              configuration: {max_cache_size: 100}
    """

    code = "SEL206"
    severity = Severity.ERROR
    title = "unknown cache"

    def check(self, project: LintContext) -> Iterator[Diagnostic]:
        for cache in cache_uses(project.model):
            if not is_shipped_cache(cache) or cache.function is None or cache.function.name.name in shipped.CACHES:
                continue
            name = cache.function.name.name
            yield self.found(
                cache.function.name.location,
                f'unknown cache "{name}"',
                note="no shipped cache has this name",
                help=project.did_you_mean("cache", name, shipped.CACHES.keys())
                or "shipped are " + ", ".join(shipped.CACHES),
            )
