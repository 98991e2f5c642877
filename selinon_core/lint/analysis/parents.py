"""Whose results a node may be given: the names that its ``parent`` may hold, in any run.

A node that an edge starts gets the sources of the edge. Behind a starting edge it gets what its flow was given,
which is something only where a flow above propagates its parents. A fallback gets what the failed nodes had got.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from selinon_core.config.model import EdgeDef, FlowDef, ProjectModel
from selinon_core.lint.analysis.facts import FlowGraph


class Parents:
    """The possible parents of the nodes of a project."""

    def __init__(
        self, model: ProjectModel, facts: Callable[[FlowDef], FlowGraph], is_known: Callable[[str], bool]
    ) -> None:
        self._model = model
        self._facts = facts
        self._is_known = is_known

    def of_node(self, name: str) -> frozenset[str] | None:
        """The possible parents of a node, wherever it is started; None when they are not all known."""
        return self._gathered([(flow, name) for flow in self._flows_starting.get(name, ())])

    def is_started(self, name: str) -> bool:
        """Return whether some flow starts a node."""
        return name in self._flows_starting

    def of_edge(self, flow: FlowDef, edge: EdgeDef) -> frozenset[str] | None:
        """What an edge hands on; None when that is not all known."""
        if edge.sources:
            names = frozenset(ref.name for ref in edge.sources)
            return names if all(map(self._is_known, names)) else None
        return None if edge.sources is None else self._gathered(list(self._above(flow)))

    def _gathered(self, todo: list[tuple[FlowDef, str]]) -> frozenset[str] | None:
        found: set[str] = set()
        seen: set[tuple[int, str]] = set()
        while todo:
            flow, name = todo.pop()
            if (id(flow), name) in seen:
                continue
            seen.add((id(flow), name))
            facts = self._facts(flow)
            if not facts.reliable:
                return None
            for step in facts.starters.get(name, ()):
                if not all(map(self._is_known, step.sources)):
                    return None
                if not isinstance(step.origin, EdgeDef):
                    todo.extend((flow, source) for source in step.sources)
                elif step.origin.sources is None:
                    return None
                elif step.sources:
                    found.update(step.sources)
                else:
                    todo.extend(self._above(flow))
        return frozenset(found)

    def _above(self, flow: FlowDef) -> Iterator[tuple[FlowDef, str]]:
        """Where a flow is started as a sub-flow and given the parents."""
        name = flow.name.name
        for other in self._flows_starting.get(name, ()):
            if other.propagate_parent.covers(name):
                yield other, name

    @cached_property
    def _flows_starting(self) -> Mapping[str, list[FlowDef]]:
        found: dict[str, list[FlowDef]] = {}
        for flow in self._model.flows:
            for name in self._facts(flow).starters:
                found.setdefault(name, []).append(flow)
        return found
