"""The case that came nearest to a goal which nothing covers: what kept it from the goal is worth knowing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from selinon_core.covering.data import FlowData
from selinon_core.covering.goals import Goal
from selinon_core.plan import EdgePlan, FailurePlan, FlowPlan


class Nearness:
    """Ranks the cases that ran a flow, by what they met of it."""

    def __init__(self, flow: FlowPlan, data: FlowData) -> None:
        self._flow = flow
        self._met: dict[str, set[str]] = {}
        for key, by in data.hits.items():
            for case in by:
                self._met.setdefault(case, set()).add(key)
        self._keys_met = frozenset(data.hits)

    def ranked(self, goal: Goal) -> list[str]:
        """The cases, the nearest one first: what it met of the goal's element, then before it, then elsewhere."""
        steps = [self._keys(each) for each in self._steps(goal)]

        def rank(case: str) -> tuple[object, ...]:
            met = self._met[case]
            return (*(-len(met & step) for step in steps), -len(met), case)

        return sorted(self._met, key=rank)

    def _keys(self, is_near: Callable[[str], bool]) -> frozenset[str]:
        return frozenset(key for key in self._keys_met if is_near(key))

    def _steps(self, goal: Goal) -> Iterator[Callable[[str], bool]]:
        """What a case has to have met, the nearest to the goal first."""
        if goal.atom is not None:
            yield _begins(f"{goal.element}/atom:{goal.atom}/")
        kind, _, name = goal.element.partition(":")
        if kind == "edge":
            yield from self._to_edges([self._flow.edges[int(name)]])
        elif kind == "failure":
            yield from self._to_failures([self._flow.failures[int(name)]])
        elif kind == "node":
            yield _begins(f"{goal.element}/")
            yield from self._to_edges([edge for edge in self._flow.edges if name in edge.destinations])
            yield from self._to_failures([entry for entry in self._flow.failures if name in entry.fallback])

    def _to_edges(self, edges: Collection[EdgePlan]) -> Iterator[Callable[[str], bool]]:
        yield _begins(*(f"edge:{edge.index}/" for edge in edges))
        yield {f"node:{name}/ran" for edge in edges for name in edge.sources}.__contains__

    def _to_failures(self, entries: Collection[FailurePlan]) -> Iterator[Callable[[str], bool]]:
        """An entry that was considered; another one that handled the same nodes; failures of these; their runs."""
        nodes = {name for entry in entries for name in entry.nodes}
        yield _begins(*(f"failure:{entry.index}/" for entry in entries))
        yield {
            f"failure:{other.index}/used" for other in self._flow.failures if nodes & set(other.nodes)
        }.__contains__
        ends = ("retry-gave-up", "eager-failure", "nowait-failure", "subflow-failure")
        yield {f"node:{name}/{end}" for name in nodes for end in ends}.__contains__
        yield {f"node:{name}/ran" for name in nodes}.__contains__


def _begins(*texts: str) -> Callable[[str], bool]:
    return lambda key: key.startswith(texts)
