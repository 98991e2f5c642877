"""What node runs wait for whose task has a limit: the key, and who has the places under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from selinon_core.celery.stores import Store
from selinon_core.celery.stores.limits import LimitState, holder_of, read_holder
from selinon_core.dispatch import NodeRun
from selinon_core.plan import TaskPlan
from selinon_core.runtime.limit_keys import place_text

#: Node runs that are looked at for one answer.
MOST = 1000
#: Flow runs that hold places and are named.
_MOST_HOLDERS = 3


def limits_of(
    store: Store, tasks: Mapping[str, TaskPlan], flow_id: str, nodes: Sequence[NodeRun]
) -> dict[int, dict[str, Any]]:
    """Of those node runs, which have not begun, the ones that wait for a place, by their numbers.

    ``{"key", "max", "holders", "ahead"}``: the ids of the flow runs of the node runs that have the places, and how
    many node runs wait before it.
    """
    limited = [node for node in nodes if (task := tasks.get(node.name)) is not None and task.limit is not None]
    if not limited:
        return {}
    found = store.task_limits.of([holder_of(flow_id, node.number) for node in limited[:MOST]])
    states: dict[str, tuple[LimitState, dict[str, int]]] = {}
    shown = {}
    for place, held in found.values():
        if held:  # its message is on its way
            continue
        if place.key not in states:
            state = store.task_limits.state(place.key)
            states[place.key] = (state, {each.run: ahead for ahead, each in enumerate(state.waiting)})
        state, order = states[place.key]
        shown[read_holder(place.run)[1]] = {
            "key": place.key,
            "max": state.max,
            "holders": [read_holder(each.run)[0] for each in state.holders],
            "ahead": order.get(place.run, 0),
        }
    return shown


def wait_text(limit: Mapping[str, Any]) -> str:
    """What a node run waits for, in words."""
    holders, ahead = list(dict.fromkeys(limit["holders"])), limit["ahead"]
    more = f" and {len(holders) - _MOST_HOLDERS} more" if len(holders) > _MOST_HOLDERS else ""
    held = f"held by tasks of {', '.join(holders[:_MOST_HOLDERS])}{more}" if holders else "which is free"
    before = {0: "", 1: "; 1 task waits before it"}.get(ahead, f"; {ahead} tasks wait before it")
    return f'waits for {place_text(limit["max"])} under the key "{limit["key"]}", {held}{before}'
