"""The plan: what a project means, as an immutable value, and what is derived from it alone.

The names below are those of ``model``, which is imported when one of them is first used: a linter needs modules of
this room, but makes no plan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selinon_core.plan.model import (
        And,
        CachePlan,
        Computed,
        ComputedText,
        Condition,
        EdgePlan,
        Expression,
        FailurePlan,
        FlowLimit,
        FlowPlan,
        Foreach,
        ForeachItems,
        ImportRef,
        LanePlan,
        Leaf,
        Not,
        NotifyPlan,
        Or,
        Plan,
        RetryPolicy,
        SchedulePlan,
        Schema,
        Selective,
        Settings,
        StoragePlan,
        Strategy,
        TaskLimit,
        TaskPlan,
        Template,
        Test,
        Wait,
    )

__all__ = [
    "And",
    "CachePlan",
    "Computed",
    "ComputedText",
    "Condition",
    "EdgePlan",
    "Expression",
    "FailurePlan",
    "FlowLimit",
    "FlowPlan",
    "Foreach",
    "ForeachItems",
    "ImportRef",
    "LanePlan",
    "Leaf",
    "Not",
    "NotifyPlan",
    "Or",
    "Plan",
    "RetryPolicy",
    "SchedulePlan",
    "Schema",
    "Selective",
    "Settings",
    "StoragePlan",
    "Strategy",
    "TaskLimit",
    "TaskPlan",
    "Template",
    "Test",
    "Wait",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from selinon_core.plan import model

    value = globals()[name] = getattr(model, name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
