"""Every rule, in the order of the codes; each folder of ``rules`` lists its own.

A folder is imported for a project that has something for it: a start of ``lint`` is mostly imports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from selinon_core.lint.rules import flows, graph, names, results

if TYPE_CHECKING:
    from selinon_core.config.model import ProjectModel
    from selinon_core.lint.rule import Rule


def rules_of_fallbacks() -> tuple[type[Rule], ...]:
    """The rules about entries of ``failures``; projects without any need none."""
    from selinon_core.lint.rules import fallbacks

    return fallbacks.RULES


def rules_of_expressions() -> tuple[type[Rule], ...]:
    """The rules about expressions, templates and schemas of arguments; projects without any need none."""
    from selinon_core.lint.rules import expressions

    return expressions.RULES


def rules_of_operating() -> tuple[type[Rule], ...]:
    """The rules about schedules, lanes, waits and the like; projects without any need none."""
    from selinon_core.lint.rules import operating

    return operating.RULES


def rules_of_migrations() -> tuple[type[Rule], ...]:
    """The rules about what was deployed before; projects without ``migration_dir`` need none."""
    from selinon_core.lint.rules import migration

    return migration.RULES


def rules_of_plans(model: ProjectModel | None = None) -> tuple[type[Rule], ...]:
    """The rules of the folders whose errors keep a plan from being made; ``run`` and ``graph`` need no other.

    ``model``: those that find something to look at in this project; without it all.
    """
    return (
        *names.RULES,
        *graph.RULES,
        *results.RULES,
        *flows.RULES,
        *(rules_of_fallbacks() if model is None or any(flow.failures for flow in model.flows) else ()),
        *(rules_of_expressions() if model is None or model.has_expressions else ()),
        *(rules_of_operating() if model is None or model.has_operating() else ()),
    )


def project_rules(model: ProjectModel | None = None) -> tuple[type[Rule], ...]:
    """The rules that look at a project that has been read; ``model`` as of ``rules_of_plans``."""
    from selinon_core.lint.rules import code, style  # not needed to make a plan

    of_migrations = model is None or model.settings.migration_dir is not None
    return (
        *rules_of_plans(model),
        *code.RULES,
        *(rules_of_migrations() if of_migrations else ()),
        *style.RULES,
    )


def every_rule() -> tuple[type[Rule], ...]:
    """All rules by code: those about faults that the readers themselves find, and those of a project."""
    from selinon_core.lint.rules import cases, yaml

    found = (*yaml.RULES, *cases.RULES, *project_rules())
    return tuple(sorted(found, key=lambda rule: rule.code))
