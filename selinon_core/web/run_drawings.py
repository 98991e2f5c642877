"""Drawings for the page: of a flow without a run, which the page colours, and of a flow with a run on it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from selinon_core.dispatch import FlowRun
from selinon_core.graph import drawing_of, write
from selinon_core.graph.writers.identifiers import slugs
from selinon_core.plan import FlowPlan, Plan
from selinon_core.web.followed_run import FollowedNode, FollowedRun

#: Arrows above which a flow is not drawn: the layout takes minutes, and no eye can follow it.
MAX_ARROWS = 1500


class TooLargeToDraw(Exception):
    """Raised for a flow with more arrows than ``MAX_ARROWS``."""


class RunDrawings:
    """Safe under threads; one drawing is made at a time, since each takes a processor for itself."""

    def __init__(self, plan: Plan, most: int = 64) -> None:
        self._plan = plan
        self._most = most
        self._lock = threading.Lock()
        self._plain: OrderedDict[tuple[str, str], dict[str, Any]] = OrderedDict()
        self._laid_over: OrderedDict[str, tuple[int, bytes]] = OrderedDict()

    def plain(self, flow: FlowPlan, definition: str) -> dict[str, Any]:
        """``{"version", "flow", "svg", "nodes": {id in the drawing: [kind, name]}}`` of a definition of a flow.

        Raises ``TooLargeToDraw``, and as ``selinon_core.graph.draw``.
        """
        key = (flow.name, definition)
        with self._lock:
            found = self._plain.get(key)
            if found is None:
                drawing = drawing_of(self._with(flow), flow.name)
                ids = slugs([*(n.id for n in drawing.nodes), *(f"cluster/{c.id}" for c in drawing.clusters)])
                found = self._plain[key] = {
                    "version": 1,
                    "flow": flow.name,
                    "svg": write(drawing, "svg", link="", legend=False).decode(),
                    "nodes": {ids[n.id]: [n.kind, n.name] for n in drawing.nodes if n.kind in ("task", "flow")},
                }
                _bound(self._plain, self._most)
            return found

    def laid_over(self, id: str, flow: FlowPlan, revision: int, report: dict[str, Any]) -> bytes:
        """An SVG of a flow with a run on it; ``report`` is as ``run_report`` makes it. Raises as ``plain``."""
        with self._lock:
            known = self._laid_over.get(id)
            if known is not None and known[0] == revision:
                return known[1]
            svg = write(drawing_of(self._with(flow), flow.name, report=report), "svg", link="")
            self._laid_over[id] = (revision, svg)
            _bound(self._laid_over, self._most)
            return svg

    def _with(self, flow: FlowPlan) -> Plan:
        """The plan with the flow as the run has it, which may be of older files."""
        if sum(max(1, len(edge.sources)) * max(1, len(edge.destinations)) for edge in flow.edges) > MAX_ARROWS:
            raise TooLargeToDraw(f"{flow.name} has more than {MAX_ARROWS} arrows")
        return self._plan._replace(flows={**self._plan.flows, flow.name: flow})


def _bound(drawings: OrderedDict[Any, Any], most: int) -> None:
    while len(drawings) > most:
        drawings.popitem(last=False)


def run_report(run: FollowedRun, now: float) -> dict[str, Any]:
    """The run as a report of version 1, as far as a drawing needs it."""
    assert run.header is not None
    assert run.run is not None
    machine: FlowRun = run.run.machine
    flow = run.run.flow
    begun = run.header.created
    ended = run.ended or now
    return {
        "version": 1,
        "flow": flow.name,
        "status": "failure" if run.header.status == "cancelled" else run.header.status,
        "virtual_seconds": round(ended - begun, 3),
        "nodes": [
            _node(run, node, begun, ended) for node in run.nodes if node.node.flow_attempt == machine.attempt
        ],
        "edges": [
            {
                "flow": flow.name,
                "index": edge.index,
                "from": list(edge.sources),
                "to": list(edge.destinations),
                "considered": machine.considered.get(edge.index, 0),
                "fired": machine.fired.get(edge.index, 0),
            }
            for edge in flow.edges
        ],
    }


def _node(run: FollowedRun, node: FollowedNode, begun: float, ended: float) -> dict[str, Any]:
    assert run.run is not None
    started = node.begun or node.queued
    return {
        "flow": run.run.flow.name,
        "name": node.node.name,
        "status": node.status,
        "attempts": node.attempts,
        "started_at": started - begun,
        "finished_at": (node.ended or (ended if node.begun else started)) - begun,
    }
