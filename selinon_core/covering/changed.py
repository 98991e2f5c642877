"""Which goals are about what changed between two versions of a project."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selinon_core.covering.elements import elements_of, translation
from selinon_core.covering.goals import Goal
from selinon_core.diagnostics.location import Place
from selinon_core.plan import FlowPlan, Plan

_NOWHERE = Place("", 0, 0)


def changed_since(old: Plan, new: Plan) -> Callable[[Goal], bool]:
    """Whether a goal of ``new`` is about what ``old`` did not have.

    That is a changed edge or failures entry, a node that one of them starts, a task whose definition changed, and
    a flow whose own options changed. Other places and another order of edges do not count as a change.
    """
    elements = {name: _changed_elements(old.flows.get(name), flow) for name, flow in new.flows.items()}
    nodes = {name: _started_by(flow, elements[name]) for name, flow in new.flows.items()}
    tasks = {name for name, task in new.tasks.items() if _same(old.tasks.get(name)) != _same(task)}
    flows = {name for name, flow in new.flows.items() if _options(old.flows.get(name)) != _options(flow)}

    def is_changed(goal: Goal) -> bool:
        kind, _, name = goal.element.partition(":")
        if kind == "flow":
            return goal.flow in flows
        if kind == "node":
            return name in nodes[goal.flow] or (name in tasks and goal.kind != "node-ran")
        return goal.element in elements[goal.flow]

    return is_changed


def changed_elements(old: Plan, new: Plan) -> set[str]:
    """What ``old`` does not have: ``flow/edge:2``, ``flow/failure:0``, ``task:Name``; ``flow`` for its options."""
    found = {
        f"{name}/{element}"
        for name, flow in new.flows.items()
        for element in _changed_elements(old.flows.get(name), flow)
    }
    found |= {name for name, flow in new.flows.items() if _options(old.flows.get(name)) != _options(flow)}
    return found | {
        f"task:{name}" for name, task in new.tasks.items() if _same(old.tasks.get(name)) != _same(task)
    }


def _changed_elements(old: FlowPlan | None, new: FlowPlan) -> set[str]:
    now = elements_of(new)
    return set(now) - set(translation(now, elements_of(old)) if old is not None else ())


def _started_by(flow: FlowPlan, elements: set[str]) -> set[str]:
    found = {name for e in flow.edges if f"edge:{e.index}" in elements for name in e.destinations}
    return found | {name for f in flow.failures if f"failure:{f.index}" in elements for name in f.fallback}


def _same(value: Any) -> Any:
    return None if value is None else value._replace(place=_NOWHERE)


def _options(flow: FlowPlan | None) -> Any:
    return None if flow is None else flow._replace(edges=(), failures=(), place=_NOWHERE)
