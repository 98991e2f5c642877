"""A naive second opinion: goal by goal, the whole trace is searched for an event that meets it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from selinon_core.covering import Goal, goals_of
from selinon_core.plan import Plan

Event = dict[str, Any]


def met(plan: Plan, trace: Iterable[Event]) -> set[str]:
    """The ids of the goals that a trace meets; ``atom-decides`` is about several runs, and left out."""
    events = list(trace)
    return {
        goal.id
        for flow in plan.flows
        for goal in goals_of(plan, flow)
        if goal.kind != "atom-decides" and _is_met(goal, plan, [e for e in events if e.get("flow_name") == flow])
    }


def _is_met(goal: Goal, plan: Plan, events: list[Event]) -> bool:
    kind, _, name = goal.element.partition(":")
    if kind == "edge":
        return _edge(goal, plan, int(name), events)
    if kind == "failure":
        return _failure(goal, plan, int(name), events)
    return _node(goal, plan, name, events) if kind == "node" else _flow(goal, plan, events)


def _edge(goal: Goal, plan: Plan, index: int, events: list[Event]) -> bool:
    edge = plan.flows[goal.flow].edges[index]
    mine = [e for e in events if e.get("edge") == index]
    if goal.kind == "edge-no":
        return _any(mine, "EDGE_COND_FALSE")
    if goal.kind.startswith("foreach"):
        sizes = {"none": [0], "one": [1], "many": range(2, 100)}[goal.kind.removeprefix("foreach-")]
        return _any(mine, "FOREACH_RESULT", lambda e: e["count"] in sizes)
    if goal.kind.startswith("atom"):
        wanted = goal.kind == "atom-true"
        asked = [e for e in mine if e["event"] in ("EDGE_COND_TRUE", "EDGE_COND_FALSE")]
        return any(_leaves(e["condition"])[goal.atom or 0] is wanted for e in asked)
    if edge.condition is not None:
        return _any(mine, "EDGE_COND_TRUE")
    return any(e["event"] in ("FOREACH_RESULT", "TASK_SCHEDULE", "SUBFLOW_SCHEDULE") for e in mine)


def _failure(goal: Goal, plan: Plan, index: int, events: list[Event]) -> bool:
    entry = plan.flows[goal.flow].failures[index]
    mine = [e for e in events if e.get("where") == str(entry.place)]
    if goal.kind == "fallback-used":
        return _any(mine, "FALLBACK_START")
    if goal.kind.startswith("fallback"):
        return _any(mine, f"FALLBACK_COND_{goal.kind.removeprefix('fallback-').upper()}")
    wanted = goal.kind == "atom-true"
    asked = [e for e in mine if e["event"] in ("FALLBACK_COND_TRUE", "FALLBACK_COND_FALSE")]
    return any(_leaves(e["condition"])[goal.atom or 0] is wanted for e in asked)


def _node(goal: Goal, plan: Plan, name: str, events: list[Event]) -> bool:
    if goal.kind == "node-ran":
        return _any(events, "TASK_SCHEDULE", lambda e: e["task_name"] == name) or _any(
            events, "SUBFLOW_SCHEDULE", lambda e: e["child_flow_name"] == name
        )
    if goal.kind == "eager-failure":
        return _any(events, "EAGER_FAILURE", lambda e: e["node_name"] == name)
    if goal.kind in ("nowait-failure", "subflow-failure"):  # no run here is cancelled
        return _any(events, "NODE_FAILURE", lambda e: e["node_name"] == name)
    mine = [e for e in events if e.get("task_name") == name]
    if goal.kind == "timeout":
        return _any(mine, "TASK_TIMEOUT")
    retried = {e["task_id"] for e in mine if e["event"] == "TASK_RETRY" and not e["user_retry"]}
    if goal.kind == "retry-helped":
        return _any(mine, "TASK_END", lambda e: e["task_id"] in retried)
    most = plan.tasks[name].max_retry
    return _any(mine, "TASK_FAILURE", lambda e: e["retried_count"] == most)


def _flow(goal: Goal, plan: Plan, events: list[Event]) -> bool:
    if goal.kind == "timeout":
        return _any(events, "FLOW_FAILURE", lambda e: e["reason"] == "the flow's timeout is over")
    retries = [e["dispatcher_id"] for e in events if e["event"] == "FLOW_RETRY"]
    if goal.kind == "retry-helped":
        return _any(events, "FLOW_END", lambda e: e["dispatcher_id"] in retries)
    most = plan.flows[goal.flow].max_retry
    given_up = [e for e in events if e["event"] == "FLOW_FAILURE" and not e["will_retry"]]
    return any(
        retries.count(e["dispatcher_id"]) == most and e["reason"] != "the flow's timeout is over" for e in given_up
    )


def _any(events: Iterable[Event], name: str, where: Callable[[Event], bool] = lambda event: True) -> bool:
    return any(event["event"] == name and where(event) for event in events)


def _leaves(condition: Any) -> list[bool | None]:
    if "not" in condition:
        return _leaves(condition["not"])
    operands = condition.get("and", condition.get("or"))
    if operands is None:
        return [condition["value"]]
    return [value for operand in operands for value in _leaves(operand)]
