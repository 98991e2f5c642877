"""The bound on the steps of a run, and the explanation of what did not end."""

from __future__ import annotations

from collections import deque
from itertools import pairwise

from selinon_core.dispatch.node_run import NodeRun
from selinon_core.errors import SelinonException
from selinon_core.plan import FlowPlan, Plan
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord

#: How many runs are looked at for the way back to an earlier run of the same node.
_MOST_LOOKED_AT = 100_000


class StepLimitExceeded(SelinonException):
    """Raised when a run took more steps than it may: it probably never ends."""


def describe_endless(plan: Plan, limit: int, record: NodeRecord | FlowRecord, asked: str | None = None) -> str:
    """Say what kept the run going, seen from the step that was one too many.

    ``record`` is a new node run, a task or a flow that is tried again, or with ``asked`` (which says where) a flow
    that waits for a storage.
    """
    what = _what(plan, record, asked)
    return f"stopped after {limit} steps: {what}; raise --max-steps if it is meant to take this long"


def describe_fan_out(limit: int, where: str, items: int) -> str:
    """Say which foreach wants more than a run may do."""
    return (
        f"stopped before more than {limit} steps: {where}: its foreach yields {items} items; "
        "raise --max-steps if it is meant to take this long"
    )


def _what(plan: Plan, record: NodeRecord | FlowRecord, asked: str | None) -> str:
    if isinstance(record, FlowRecord):
        if asked is not None:
            return f"{asked}: a storage cannot be read, and the question is asked again and again"
        return _retried(record)
    flow = record.flow_run.flow
    if record.attempts:
        task = plan.tasks[record.run.name]
        times = f"{record.attempts} attempts"
        return f"task {task.name} ({task.place}) in flow {flow.name} is run again and again ({times})"
    cycle = _cycle(record.run) or next(filter(None, map(_cycle, record.run.sources)), [])
    if cycle:
        names = " -> ".join(run.name for run in cycle)
        places = " and ".join(dict.fromkeys(place for run in cycle[1:] for place in _places(flow, run)))
        return f"the cycle {names} in flow {flow.name} does not end ({places})"
    recursion = _recursion(record.flow_run)
    if recursion:
        names = " -> ".join(flow_run.flow.name for flow_run in recursion)
        starts = [(above.flow, below.node) for above, below in pairwise(recursion)]
        found = [place for flow, node in starts if node is not None for place in _places(flow, node.run)]
        return f"the recursion {names} does not end ({' and '.join(dict.fromkeys(found))})"
    above: FlowRecord | None = record.flow_run
    while above is not None:
        if above.machine.attempt > 1:
            return _retried(above)
        above = above.parent_run
    return f"the last node run was {record.run.name} in flow {flow.name} ({', '.join(_places(flow, record.run))})"


def _retried(record: FlowRecord) -> str:
    flow = record.flow
    times = f"{record.machine.attempt} attempts"
    return f"flow {flow.name} ({flow.place}) fails and is run again and again ({times})"


def _places(flow: FlowPlan, run: NodeRun) -> list[str]:
    """Where the YAML files say that a run is started."""
    if run.edge is not None:
        return [f"edge at {flow.edges[run.edge].place}"]
    return [f"fallback at {entry.place}" for entry in flow.failures if run.name in entry.fallback]


def _cycle(last: NodeRun) -> list[NodeRun]:
    """The shortest way from an earlier run of the same name to this one; empty when there was none."""
    came_from: dict[int, NodeRun] = {}
    todo = deque([last])
    while todo and len(came_from) < _MOST_LOOKED_AT:
        run = todo.popleft()
        for source in run.sources:
            if source.number in came_from:
                continue
            came_from[source.number] = run
            if source.name == last.name:
                way = [source]
                while way[-1] is not last:
                    way.append(came_from[way[-1].number])
                return way
            todo.append(source)
    return []


def _recursion(innermost: FlowRecord) -> list[FlowRecord]:
    """The flow runs from the next outer one of the same flow in to this one; empty when there is none."""
    way = [innermost]
    while way[-1].parent_run is not None:
        way.append(way[-1].parent_run)
        if way[-1].flow.name == innermost.flow.name:
            return way[::-1]
    return []
