"""How tasks and edges were defined when a run was recorded, and how they are defined now, by digests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selinon_core.plan import Plan
from selinon_core.plan.digests import edge_digests, task_digests
from selinon_core.runtime.lineage import ends_of_edges


class Definitions:
    """``was`` are the digests that a run has kept (``definitions_of``); those that it lacks count as unchanged."""

    def __init__(self, was: Mapping[str, Any], plan: Plan | None) -> None:
        self.are_known = bool(was)
        self._tasks: Mapping[str, str] = was.get("tasks") or {}
        self._edges: Mapping[str, str] = was.get("edges") or {}
        self._now: Mapping[str, Mapping[str, str]] = {"tasks": {}, "edges": {}}
        if plan is not None and self.are_known:
            flows = {key.partition(":")[0] for key in self._edges}
            self._now = definitions_of(plan, self._tasks, flows)

    def task_changed(self, name: str) -> bool:
        """Whether a task is defined otherwise; its code is not looked at."""
        return name in self._tasks and self._now["tasks"].get(name) != self._tasks[name]

    def edge_changed(self, flow: str, ends: Any) -> bool:
        """Whether an edge, known by its ends, has another condition, foreach or arguments, or is gone."""
        key = _key(flow, ends)
        return key in self._edges and self._now["edges"].get(key) != self._edges[key]


def definitions_of(plan: Plan, tasks: Any, flows: Any) -> dict[str, dict[str, str]]:
    """The digests of these tasks, and of the edges of these flows, as a report keeps them."""
    edges: dict[str, str] = {}
    for name in sorted(flows):
        if name in plan.flows:
            ends = ends_of_edges(plan.flows[name])
            edges |= {_key(name, ends[index]): digest for index, digest in edge_digests(plan.flows[name]).items()}
    return {"tasks": task_digests(plan, sorted(name for name in tasks if name in plan.tasks)), "edges": edges}


def _key(flow: str, ends: Any) -> str:
    (sources, destinations), rank = ends
    return f"{flow}: {', '.join(sources)} -> {', '.join(destinations)}" + (f" #{rank + 1}" if rank else "")


#: Of a run that kept none.
UNKNOWN = Definitions({}, None)
