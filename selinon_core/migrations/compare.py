"""What changed between two plans, as far as runs in flight are concerned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from selinon_core.plan import Plan
from selinon_core.plan.flow_diff import FlowChange, compare_flows


class Comparison(NamedTuple):
    """``changes`` holds the flows a migration is needed for, in the order of the old plan.

    Flows that only one of the plans has need no migration: runs of a removed flow cannot go on.
    """

    old: Plan
    new: Plan
    changes: Mapping[str, FlowChange]
    added: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether a migration is needed."""
        return bool(self.changes)


def compare_plans(old: Plan, new: Plan) -> Comparison:
    """Compare all flows that both plans have.

    An edge that starts the flow and is added behind all others needs no migration: it moves no other edge,
    and it never fires in runs that were started before.
    """
    changes = {}
    for name, flow in old.flows.items():
        if name in new.flows:
            change = compare_flows(flow, new.flows[name])
            if change:
                changes[name] = change
    return Comparison(
        old,
        new,
        changes,
        tuple(name for name in new.flows if name not in old.flows),
        tuple(name for name in old.flows if name not in new.flows),
    )
