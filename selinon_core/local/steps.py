"""The bound on the steps of a run, and the explanation of what did not end."""

from __future__ import annotations

from selinon_core.dispatch.node_run import NodeRun
from selinon_core.errors import SelinonException
from selinon_core.local.records import NodeRecord


class StepLimitExceeded(SelinonException):
    """Raised when a run took more steps than it may: it probably never ends."""


def describe_endless(limit: int, record: NodeRecord | None, nodes: list[NodeRecord]) -> str:
    """Say which cycle or recursion kept the run going, seen from the node run that was one too many."""
    if record is None:
        record = nodes[-1]
    head = f"stopped after {limit} steps"
    tail = "raise --max-steps if it is meant to take this long"
    if record.attempts:
        again = f"{record.run.name} in flow {record.flow_run.flow.name} is run again and again"
        return f"{head}: {again} ({record.attempts} attempts); {tail}"
    cycle = _cycle(record)
    if cycle:
        flow = record.flow_run.flow
        places = " and ".join(dict.fromkeys(str(flow.edges[i].place) for _, i in cycle if i is not None))
        names = " -> ".join(name for name, _ in reversed(cycle))
        return f"{head}: the cycle {names} in flow {flow.name} does not end (edges at {places}); {tail}"
    recursion = _recursion(record)
    if recursion:
        return f"{head}: the recursion {' -> '.join(recursion)} does not end; {tail}"
    return f"{head}, the last one {record.run.name} in flow {record.flow_run.flow.name}; {tail}"


def _cycle(record: NodeRecord) -> list[tuple[str, int | None]]:
    """The way back from a run to an earlier run of the same name, as (name, edge that started it)."""
    way: list[tuple[str, int | None]] = []
    run: NodeRun | None = record.run
    while run is not None and len(way) <= len(record.flow_run.flow.edges) + 1:
        way.append((run.name, run.edge))
        if len(way) > 1 and run.name == record.run.name:
            return [*way[:-1], (run.name, None)]
        run = run.sources[-1] if run.sources else None
    return []


def _recursion(record: NodeRecord) -> list[str]:
    """The flows from the innermost one out to its own next outer run, outermost first."""
    flow_run, names = record.flow_run, [record.flow_run.flow.name]
    while flow_run.parent_run is not None:
        flow_run = flow_run.parent_run
        names.append(flow_run.flow.name)
        if flow_run.flow.name == names[0]:
            return names[::-1]
    return []
