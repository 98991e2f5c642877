"""What a run can reach in a flow: nodes, both answers of conditions and of their leaves, sizes, fallbacks."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from selinon_core.dispatch.flow_index import FlowIndex
from selinon_core.plan.functions import leaves_of

GoalKind = Literal[
    "node",
    "edge_fired",
    "edge_no",
    "atom_true",
    "atom_false",
    "foreach_none",
    "foreach_one",
    "foreach_many",
    "fallback_used",
    "fallback_true",
    "fallback_false",
    "fallback_atom_true",
    "fallback_atom_false",
    "eager_failure",
    "subflow_failed",
    "nowait_started",
    "timed_out",
    "retry_helped",
    "retry_gave_up",
]


class Goal(NamedTuple):
    """``subject`` is a node's name, or the index of an edge or failures entry; ``leaf`` the index of an atom."""

    kind: GoalKind
    subject: str | int = ""
    leaf: int | None = None


class GoalTable:
    """The goals of a flow, each with a bit, so that a run collects what it reached in one number."""

    def __init__(self, table: FlowIndex) -> None:
        goals: list[Goal] = []
        for name, destination in table.destinations.items():
            goals.append(Goal("node", name))
            if not destination.waited_for:
                goals.append(Goal("nowait_started", name))
            if name in table.flow.eager_failures:
                goals.append(Goal("eager_failure", name))
            if destination.is_flow:
                goals.append(Goal("subflow_failed", name))
        for edge in table.flow.edges:
            goals.append(Goal("edge_fired", edge.index))
            if edge.condition is not None:
                goals.append(Goal("edge_no", edge.index))
                goals += _atoms("atom", edge.index, edge.condition)
            if edge.foreach is not None:
                goals += [Goal(kind, edge.index) for kind in ("foreach_none", "foreach_one", "foreach_many")]
        for entry in table.flow.failures:
            goals.append(Goal("fallback_used", entry.index))
            if entry.condition is not None:
                goals += [Goal("fallback_true", entry.index), Goal("fallback_false", entry.index)]
                goals += _atoms("fallback_atom", entry.index, entry.condition)
        if table.flow.timeout is not None:
            goals.append(Goal("timed_out"))
        if table.flow.max_retry:
            goals += [Goal("retry_helped"), Goal("retry_gave_up")]
        self.goals = tuple(goals)
        self.bits: dict[tuple[str, str | int, int | None], int] = {}
        self.bits.update((goal, 1 << position) for position, goal in enumerate(goals))


def _atoms(kind: str, index: int, condition: Any) -> list[Goal]:
    leaves = sum(1 for _ in leaves_of(condition))
    truths = ("true", "false")
    return [Goal(f"{kind}_{truth}", index, leaf) for leaf in range(leaves) for truth in truths]  # type: ignore[arg-type]
