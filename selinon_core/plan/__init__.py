"""The plan: what a project means, as an immutable value, and what is derived from it alone."""

from __future__ import annotations

from selinon_core.plan.model import (
    And,
    CachePlan,
    Condition,
    EdgePlan,
    FailurePlan,
    FlowPlan,
    Foreach,
    ImportRef,
    Leaf,
    Not,
    Or,
    Plan,
    Selective,
    Settings,
    StoragePlan,
    Strategy,
    TaskPlan,
)

__all__ = [
    "And",
    "CachePlan",
    "Condition",
    "EdgePlan",
    "FailurePlan",
    "FlowPlan",
    "Foreach",
    "ImportRef",
    "Leaf",
    "Not",
    "Or",
    "Plan",
    "Selective",
    "Settings",
    "StoragePlan",
    "Strategy",
    "TaskPlan",
]
