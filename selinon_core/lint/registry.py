"""Every rule, in the order of the codes; each folder of ``rules`` lists its own."""

from __future__ import annotations

from selinon_core.lint.rule import Rule
from selinon_core.lint.rules import code, fallbacks, flows, graph, migration, names, results, style

#: The rules that look at a project that has been read.
RULES: tuple[type[Rule], ...] = (
    *names.RULES,
    *graph.RULES,
    *results.RULES,
    *flows.RULES,
    *fallbacks.RULES,
    *code.RULES,
    *migration.RULES,
    *style.RULES,
)


def every_rule() -> tuple[type[Rule], ...]:
    """All rules by code: those about faults that the reader itself finds, and ``RULES``."""
    from selinon_core.lint.rules import yaml

    return (*yaml.RULES, *RULES)
