"""The facts of a run from its trace events: of ``run --local --trace``, ``status --history`` or the JSON sink.

A trace has no results, and says nothing of edges that were not considered; those are known from the files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import cast

from selinon_core.diagnostics.wording import listed
from selinon_core.dispatch import FlowRun
from selinon_core.errors import RequestError
from selinon_core.explaining.event_references import Event, edge_of, entry_of
from selinon_core.explaining.event_runs import EventRuns, root_of
from selinon_core.explaining.report_facts import Counts, leaves_of_tree, seen_in_tree
from selinon_core.explaining.run_view import RunView
from selinon_core.plan import Plan
from selinon_core.runtime.facts import EdgeConsidered, Facts, FallbackConsidered
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord


class TraceView(RunView):
    """A run by its trace events; ``id`` is needed where they are of several runs."""

    def __init__(self, plan: Plan, events: Iterable[Event], id: str | None = None) -> None:
        self._read(_read(plan, events), id)

    def _read(self, reading: _Reading, id: str | None) -> None:
        super().__init__(reading.plan, reading.facts(id))
        self.notes = reading.notes
        self.reused_from = reading.reused_from(self.records)

    @classmethod
    def each(cls, plan: Plan, events: Iterable[Event]) -> list[TraceView]:
        """All runs of a trace, in the order in which they begin."""
        reading, views = _read(plan, events), []
        for id in reading.roots():
            view = cls.__new__(cls)
            view._read(reading, id)
            views.append(view)
        return views

    def has_result(self, record: NodeRecord) -> bool:
        """A trace has the results of sub-flows only, as what finished and failed in them."""
        return record.run.is_flow


def _read(plan: Plan, events: Iterable[Event]) -> _Reading:
    reading = _Reading(plan)
    for event in events:
        reading.take(event)
    return reading


class _Reading(EventRuns):
    """Takes events one by one; those of several runs may be mixed."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._decisions: list[EdgeConsidered | FallbackConsidered] = []
        self._left_out: set[tuple[str, int, str | None]] = set()
        #: What fallbacks started, which is scheduled after them, by the place of the decision.
        self._started: dict[int, list[str]] = {}
        self._unknown: set[str] = set()
        self.notes: list[str] = []

    def take(self, event: Event) -> None:
        handle, flow = _HANDLERS.get(event["event"]), event.get("flow_name")
        if handle is None or not isinstance(flow, str):
            return
        if flow not in self._plan.flows:
            self._unknown.add(flow)
            return
        handle(self, event, self._flow_run(event, flow))

    def facts(self, id: str | None) -> Facts:
        """The facts of the run with this id, or of the only one."""
        if self._unknown:
            self.notes.append(f"the files have no flow {listed(sorted(self._unknown))} any more")
        root = self._root(id)
        for place, started in self._started.items():
            used = self._decisions[place]
            assert isinstance(used, FallbackConsidered)
            self._decisions[place] = used._replace(started=self._runs(used.flow_run, started))
        flows = [record for record in self._flow_runs.values() if root_of(record) is root]
        inside = {record.id for record in flows}
        nodes = [record for record in self._in_order if record.flow_run.id in inside]
        for record in flows:
            record.machine = cast(
                FlowRun, Counts(self._counted(self._considered, record), self._counted(self._fired, record))
            )
        facts = Facts(self._plan, root, flows, nodes, ())
        facts.attempts = [each for each in self._attempts if each.node.flow_run.id in inside]
        facts.decisions = [each for each in self._decisions if each.flow_run.id in inside]
        facts.edges = [fact for fact in facts.decisions if isinstance(fact, EdgeConsidered)]
        facts.fallbacks = [fact for fact in facts.decisions if isinstance(fact, FallbackConsidered)]
        facts.eager, facts.left_out = self._eager, self._left_out
        return facts

    def reused_from(self, records: Iterable[NodeRecord]) -> dict[str, str]:
        """By the ids of reused node runs: the flow run that made each, where the trace says it."""
        found = {record.run.id: self._made_by(record) for record in records if record.run.status == "reused"}
        return {id: made_by for id, made_by in found.items() if made_by is not None}

    @property
    def plan(self) -> Plan:
        """The plan of the flows."""
        return self._plan

    def roots(self) -> list[str]:
        """The ids of the flow runs that no other started."""
        return [record.id for record in self._flow_runs.values() if record.parent_run is None]

    def _root(self, id: str | None) -> FlowRecord:
        roots = [record for record in self._flow_runs.values() if record.parent_run is None]
        if id is not None:
            roots = [record for record in roots if record.id == id] or [
                record for record in roots if record.id.startswith(id)
            ]
            if not roots:
                raise RequestError(f"it has no flow run {id}")
        if not roots:
            raise RequestError("it has no event of a flow run that the files know")
        if len(roots) > 1:
            ids = [f"{record.id} ({record.flow.name})" for record in roots[:5]]
            more = ", ..." if len(roots) > len(ids) else ""
            raise RequestError(f"it has {len(roots)} flow runs: {', '.join(ids)}{more}; write FILE::ID")
        return roots[0]

    @staticmethod
    def _counted(found: Mapping[tuple[str, int], set[tuple[int, ...]]], record: FlowRecord) -> dict[int, int]:
        return {index: len(combinations) for (id, index), combinations in found.items() if id == record.id}

    # -- decisions ----------------------------------------------------------------------------------------------

    def _condition(self, event: Event, flow_run: FlowRecord) -> None:
        edge = edge_of(event, flow_run.flow)
        if edge is None:
            return
        value, sources = event["event"] == "EDGE_COND_TRUE", self._runs(flow_run, self._ids(event, flow_run, edge))
        tree = event.get("condition") or {}
        self._count(flow_run, edge, sources, fired=value and edge.foreach is None)
        self._decisions.append(
            EdgeConsidered(
                flow_run,
                edge,
                sources,
                value,
                tuple(leaves_of_tree(tree)),
                None,
                float(event.get("time") or 0.0),
                seen_in_tree(tree),
            )
        )

    def _foreach(self, event: Event, flow_run: FlowRecord) -> None:
        edge = edge_of(event, flow_run.flow)
        if edge is None:
            return
        sources, items = self._runs(flow_run, self._ids(event, flow_run, edge)), int(event["count"])
        self._count(flow_run, edge, sources, fired=True)
        for place, each in reversed(list(enumerate(self._decisions))):
            if isinstance(each, EdgeConsidered) and each.edge is edge and each.sources == sources:
                if each.items is None:
                    self._decisions[place] = each._replace(items=items)
                    return
                break
        at = float(event.get("time") or 0.0)
        self._decisions.append(EdgeConsidered(flow_run, edge, sources, None, (), items, at))

    def _fallback_condition(self, event: Event, flow_run: FlowRecord) -> None:
        entry = entry_of(event, flow_run.flow, [str(name) for name in event["nodes"]])
        if entry is not None:
            tree = event.get("condition") or {}
            self._decisions.append(
                FallbackConsidered(
                    flow_run,
                    entry,
                    event["event"] == "FALLBACK_COND_TRUE",
                    tuple(leaves_of_tree(tree)),
                    False,
                    (),
                    (),
                    float(event.get("time") or 0.0),
                    seen_in_tree(tree),
                )
            )

    def _fallback_used(self, event: Event, flow_run: FlowRecord) -> None:
        handled = [str(node["id"]) for node in event["nodes"]]
        runs = self._runs(flow_run, handled)
        started = [str(node["id"]) for node in event.get("started", ())]
        for id in started:
            self._handled[id] = handled
            if id in self._nodes:
                self._nodes[id].run.sources = runs
        entry = entry_of(event, flow_run.flow, [str(node["name"]) for node in event["nodes"]])
        if entry is not None:
            at = float(event.get("time") or 0.0)
            self._started[len(self._decisions)] = started
            self._decisions.append(FallbackConsidered(flow_run, entry, None, (), True, runs, (), at))

    def _omitted(self, event: Event, flow_run: FlowRecord) -> None:
        edge = edge_of(event, flow_run.flow)
        if edge is not None:
            self._left_out.add((flow_run.flow.name, edge.index, event.get("omitted_node")))


_Handler = Callable[[_Reading, Event, FlowRecord], None]
_HANDLERS: dict[str, _Handler] = {
    "FLOW_START": _Reading._flow_started,
    "RUN_RERUN": _Reading._rerun,
    "FLOW_END": _Reading._flow_ended,
    "FLOW_FAILURE": _Reading._flow_ended,
    "TASK_SCHEDULE": _Reading._scheduled,
    "SUBFLOW_SCHEDULE": _Reading._scheduled,
    "SELECTIVE_TASK_REUSE": _Reading._reused,
    "TASK_START": _Reading._attempt_began,
    "TASK_RETRY": _Reading._attempt_ended,
    "TASK_FAILURE": _Reading._attempt_ended,
    "NODE_SUCCESSFUL": _Reading._node_ended,
    "NODE_FAILURE": _Reading._node_ended,
    "NODE_ARGS": _Reading._args,
    "EAGER_FAILURE": _Reading._eager_failure,
    "DISPATCHER_FAILURE": _Reading._unanswered,
    "EDGE_COND_TRUE": _Reading._condition,
    "EDGE_COND_FALSE": _Reading._condition,
    "FOREACH_RESULT": _Reading._foreach,
    "FALLBACK_COND_TRUE": _Reading._fallback_condition,
    "FALLBACK_COND_FALSE": _Reading._fallback_condition,
    "FALLBACK_START": _Reading._fallback_used,
    "SELECTIVE_OMIT_EDGE": _Reading._omitted,
    "SELECTIVE_OMIT_NODE": _Reading._omitted,
}
#: The events that say something of what is explained.
READ_EVENTS = frozenset(_HANDLERS)
