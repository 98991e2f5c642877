"""Plans that read other environment variables than those of the process."""

from __future__ import annotations

from collections.abc import Mapping

from selinon_core.plan.model import ImportRef, Plan
from selinon_core.plan.shipped import PREDICATE_MODULES

#: The shipped predicates that read a variable; its name is their argument ``env``.
READERS = ("envExist", "envEqual")


def with_environment(plan: Plan, given: Mapping[str, str | None]) -> Plan:
    """The plan, whose conditions and expressions see these variables; None for one that is not set."""
    if not given:
        return plan
    known = plan.settings.environment
    values = {name: {**known.get(name, {}), "value": value} for name, value in given.items()}
    settings = plan.settings._replace(environment={**known, **values})
    return Plan(plan.tasks, plan.flows, plan.storages, settings)


def given_variables(plan: Plan) -> dict[str, str | None]:
    """The variables that ``with_environment`` gave."""
    return {name: listed["value"] for name, listed in plan.settings.environment.items() if "value" in listed}


def reads_variable(function: ImportRef) -> bool:
    """Whether a predicate is one of the shipped ones that read a variable."""
    return function.name in READERS and function.module in PREDICATE_MODULES
