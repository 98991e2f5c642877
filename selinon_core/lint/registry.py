"""Every rule, in the order of the codes; each folder of ``rules`` lists its own."""

from __future__ import annotations

from selinon_core.lint.rule import Rule
from selinon_core.lint.rules import fallbacks, flows, graph, names, results

#: The folders whose errors keep a plan from being made; ``run`` and ``graph`` need no other.
RULES_OF_PLANS: tuple[type[Rule], ...] = (
    *names.RULES,
    *graph.RULES,
    *results.RULES,
    *flows.RULES,
    *fallbacks.RULES,
)


def rules_of_expressions() -> tuple[type[Rule], ...]:
    """The rules about expressions, templates and schemas of arguments; projects without any need none."""
    from selinon_core.lint.rules import expressions

    return expressions.RULES


def rules_of_operating() -> tuple[type[Rule], ...]:
    """The rules about schedules, lanes, waits and the like; projects without any need none."""
    from selinon_core.lint.rules import operating

    return operating.RULES


def project_rules(has_expressions: bool = True, has_operating: bool = True) -> tuple[type[Rule], ...]:
    """The rules that look at a project that has been read; its model says what it has."""
    from selinon_core.lint.rules import code, migration, style  # not needed to make a plan

    of_expressions = rules_of_expressions() if has_expressions else ()
    of_operating = rules_of_operating() if has_operating else ()
    return (*RULES_OF_PLANS, *of_expressions, *of_operating, *code.RULES, *migration.RULES, *style.RULES)


def every_rule() -> tuple[type[Rule], ...]:
    """All rules by code: those about faults that the readers themselves find, and those of a project."""
    from selinon_core.lint.rules import cases, yaml

    found = (*yaml.RULES, *cases.RULES, *project_rules())
    return tuple(sorted(found, key=lambda rule: rule.code))
