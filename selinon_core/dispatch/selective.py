"""Selective runs: which edges lead to the tasks that a user wants to run.

For each flow touched, ``SelectiveRun.edges`` says which edges are considered and which of their destinations
are started. Wanted is every edge on any path from a start to a named task. A node can be reached only if some
edge onto it has sources that can all be reached; entries of ``failures`` are not paths. So a walk forwards from
the starting edges finds the edges that can fire at all, and a walk backwards over those from the named task
collects the union of all paths, cycle edges onto tasks on the way included, in time linear in the edges.

Selinon 1.x takes any closed set of edges for a path, even a cycle that nothing leads into; a task of such a cycle
is an error here. In flows whose nodes can all be reached by edges both find the same paths.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from selinon_core.errors import SelectiveNoPathError, UnknownFlowError
from selinon_core.plan import EdgePlan, FlowPlan, Plan

#: flow -> edge index -> destinations to start
EdgeSubset = Mapping[str, Mapping[int, tuple[str, ...]]]


class SelectiveRun(NamedTuple):
    """What to run. A sub-flow that is not in ``edges`` runs completely."""

    tasks: tuple[str, ...]
    edges: EdgeSubset

    def to_json(self) -> dict[str, Any]:
        """A JSON value that ``from_json`` turns back into an equal value."""
        edges = {flow: {str(i): list(to) for i, to in rows.items()} for flow, rows in self.edges.items()}
        return {"tasks": list(self.tasks), "edges": edges}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> SelectiveRun:
        """The inverse of ``to_json``."""
        edges = {flow: {int(i): tuple(to) for i, to in rows.items()} for flow, rows in value["edges"].items()}
        return cls(tuple(value["tasks"]), edges)


def select(
    plan: Plan,
    flow: str,
    tasks: Iterable[str],
    follow_subflows: bool = False,
    run_subsequent: bool | Iterable[str] = False,
) -> SelectiveRun:
    """Find what has to run so that ``tasks`` run; a text is one name.

    ``follow_subflows`` looks for the tasks in sub-flows too, transitively; ``run_subsequent`` adds what can run
    after them, in all flows touched or in the flows named.

    Raises ``UnknownFlowError``, and ``SelectiveNoPathError`` for a task that nothing leads to.
    """
    if flow not in plan.flows:
        raise UnknownFlowError(f'no flow is named "{flow}"')
    tasks = tuple(dict.fromkeys((tasks,) if isinstance(tasks, str) else tasks))
    if isinstance(run_subsequent, str):
        run_subsequent = (run_subsequent,)
    callers = _callers(plan, flow) if follow_subflows else {}
    found: dict[str, dict[int, tuple[str, ...]]] = {}
    todo = [(name, task) for name in (flow, *callers) for task in tasks]
    done = set(todo)
    while todo:
        name, node = todo.pop()
        paths = _paths(plan.flows[name], node)
        _add(found.setdefault(name, {}), paths)
        if not paths or name == flow:
            continue
        for caller in callers[name]:
            if (caller, name) not in done:
                done.add((caller, name))
                todo.append((caller, name))
    _check_reached(plan, flow, tasks, found)
    if run_subsequent:
        where = tuple(found) if isinstance(run_subsequent, bool) else tuple(run_subsequent)
        for name in where:
            subsequent = _subsequent(_flow(plan, name), tasks)
            if name in found:  # a flow that is not touched runs completely, if at all
                _add(found[name], subsequent)
    return SelectiveRun(tasks, {name: dict(sorted(rows.items())) for name, rows in found.items()})


def _flow(plan: Plan, name: str) -> FlowPlan:
    if name not in plan.flows:
        raise UnknownFlowError(f'no flow is named "{name}"')
    return plan.flows[name]


def _add(into: dict[int, tuple[str, ...]], rows: Mapping[int, tuple[str, ...]]) -> None:
    for index, names in rows.items():
        into[index] = tuple(dict.fromkeys((*into.get(index, ()), *names)))


def _callers(plan: Plan, flow: str) -> dict[str, tuple[str, ...]]:
    """Flow -> the flows that start it by an edge, for all flows reachable from ``flow``, itself included if so."""
    callers: dict[str, dict[str, None]] = {}
    todo = [flow]
    while todo:
        name = todo.pop()
        for edge in plan.flows[name].edges:
            for node in edge.destinations:
                if node in plan.flows:
                    if node not in callers:
                        callers[node] = {}
                        todo.append(node)
                    callers[node][name] = None
    return {name: tuple(by) for name, by in callers.items()}


def _edges_that_can_fire(flow: FlowPlan) -> list[EdgePlan]:
    """The edges with sources that can all be reached by edges from the start."""
    waiting: dict[str, list[EdgePlan]] = {}
    missing: dict[int, int] = {}
    for edge in flow.edges:
        missing[edge.index] = len(edge.sources)
        for name in edge.sources:
            waiting.setdefault(name, []).append(edge)
    firing = [edge for edge in flow.edges if not edge.sources]
    reached: set[str] = set()
    for edge in firing:  # grows while it is walked
        for name in edge.destinations:
            if name in reached:
                continue
            reached.add(name)
            for after in waiting.get(name, ()):
                missing[after.index] -= 1
                if not missing[after.index]:
                    firing.append(after)
    return firing


def _paths(flow: FlowPlan, task: str) -> dict[int, tuple[str, ...]]:
    onto: dict[str, list[EdgePlan]] = {}
    for edge in _edges_that_can_fire(flow):
        for name in dict.fromkeys(edge.destinations):
            onto.setdefault(name, []).append(edge)
    found: dict[int, tuple[str, ...]] = {}
    todo, seen = [task], {task}
    while todo:
        name = todo.pop()
        for edge in onto.get(name, ()):
            found[edge.index] = (*found.get(edge.index, ()), name)
            for source in edge.sources:
                if source not in seen:
                    seen.add(source)
                    todo.append(source)
    return found


def edges_leading_to(flow: FlowPlan, nodes: Iterable[str]) -> dict[int, tuple[str, ...]]:
    """The edges of one flow on any path from a start to one of these nodes, with the destinations wanted."""
    found: dict[int, tuple[str, ...]] = {}
    for node in nodes:
        _add(found, _paths(flow, node))
    return found


def _subsequent(flow: FlowPlan, tasks: Iterable[str]) -> dict[int, tuple[str, ...]]:
    """The edges all of whose sources are among the tasks or their successors, with all destinations."""
    reached = set(tasks)
    found: dict[int, tuple[str, ...]] = {}
    grown = True
    while grown:
        grown = False
        for edge in flow.edges:
            if edge.sources and edge.index not in found and reached.issuperset(edge.sources):
                found[edge.index] = tuple(dict.fromkeys(edge.destinations))
                reached.update(edge.destinations)
                grown = True
    return found


def _check_reached(plan: Plan, flow: str, tasks: Iterable[str], found: EdgeSubset) -> None:
    reached = {name for rows in found.values() for names in rows.values() for name in names}
    for task in tasks:
        if task not in reached:
            others = [name for name, other in plan.flows.items() if name != flow and _has_node(other, task)]
            there = f": it is in {', '.join(others)}, where follow_subflows looks" if others else ""
            raise SelectiveNoPathError(f'no path in flow "{flow}" leads to task "{task}"{there}')


def _has_node(flow: FlowPlan, name: str) -> bool:
    return any(name in edge.destinations for edge in flow.edges)
