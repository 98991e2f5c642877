"""The facts of a run from its trace events: of ``run --local --trace``, ``status --history`` or the JSON sink.

A trace has no results, and says nothing of edges that were not considered; those are known from the files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import cast

from selinon_core.diagnostics.wording import listed
from selinon_core.dispatch import FlowOutcome, FlowRun, NodeRun
from selinon_core.errors import ArgumentError, RequestError
from selinon_core.explaining.event_references import Event, edge_of, entry_of, error_of
from selinon_core.explaining.report_facts import CANCELLED, TIMED_OUT, Counts, leaves_of_tree, seen_in_tree
from selinon_core.explaining.run_view import RunView
from selinon_core.plan import EdgePlan, Plan
from selinon_core.runtime.facts import AttemptEnded, EdgeConsidered, Facts, FallbackConsidered
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord


class TraceView(RunView):
    """A run by its trace events."""

    def __init__(self, plan: Plan, events: Iterable[Event], id: str | None = None) -> None:
        reading = _Reading(plan)
        for event in events:
            reading.take(event)
        super().__init__(plan, reading.facts(id))
        self.notes = reading.notes

    def has_result(self, record: NodeRecord) -> bool:
        """A trace has the results of sub-flows only, as what finished and failed in them."""
        return record.run.is_flow


class _Reading:
    """Takes events one by one; those of several runs may be mixed."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._flow_runs: dict[str, FlowRecord] = {}
        self._nodes: dict[str, NodeRecord] = {}
        self._numbers: Counter[str] = Counter()
        self._attempts: list[AttemptEnded] = []
        self._decisions: list[EdgeConsidered | FallbackConsidered] = []
        self._eager: list[NodeRun] = []
        self._left_out: set[tuple[str, int, str | None]] = set()
        #: By flow run and edge: the combinations for which an edge was considered, and those for which it fired.
        self._considered: dict[tuple[str, int], set[tuple[int, ...]]] = {}
        self._fired: dict[tuple[str, int], set[tuple[int, ...]]] = {}
        #: What a fallback handles, by the ids of what it starts.
        self._handled: dict[str, list[str]] = {}
        #: What fallbacks started, which is scheduled after them, by the place of the decision.
        self._started: dict[int, list[str]] = {}
        #: Edge and sources of nodes that are to fail without being started.
        self._refused: dict[tuple[str, str], tuple[int, tuple[NodeRun, ...]]] = {}
        self._flow_attempts: Counter[str] = Counter()
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
            self._decisions[place] = used._replace(started=self._runs(started))
        flows = [record for record in self._flow_runs.values() if _root_of(record) is root]
        inside = {record.id for record in flows}
        nodes = [record for record in self._nodes.values() if record.flow_run.id in inside]
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

    # -- flow runs ----------------------------------------------------------------------------------------------

    def _flow_run(self, event: Event, flow: str) -> FlowRecord:
        id = str(event["dispatcher_id"])
        found = self._flow_runs.get(id)
        if found is None:
            node = self._nodes.get(id)
            above = None if node is None else node.flow_run
            found = FlowRecord(
                self._plan.flows[flow], id, cast(FlowRun, Counts({}, {})), None, {}, None, None, above, node
            )
            self._flow_runs[id] = found
        return found

    def _flow_started(self, event: Event, record: FlowRecord) -> None:
        self._flow_attempts[record.id] += 1
        record.args, record.parent = event.get("node_args"), dict(event.get("parent") or {})

    def _flow_ended(self, event: Event, record: FlowRecord) -> None:
        state, reason = event.get("state") or {}, event.get("reason")
        if event.get("will_retry"):
            return
        record.ended_at = float(event.get("time") or 0.0)
        record.outcome = FlowOutcome(
            event["event"] == "FLOW_END",
            state.get("finished_nodes") or {},
            state.get("failed_nodes") or {},
            list(state.get("active_nodes") or ()),
            {},
            reason,
            timed_out=reason == TIMED_OUT,
            cancelled=reason == CANCELLED,
        )
        if record.node is not None:
            record.node.run.outcome = record.outcome

    # -- node runs ----------------------------------------------------------------------------------------------

    def _scheduled(self, event: Event, flow_run: FlowRecord) -> None:
        is_flow = event["event"] == "SUBFLOW_SCHEDULE"
        name = str(event["child_flow_name" if is_flow else "task_name"])
        id = str(event["child_dispatcher_id" if is_flow else "task_id"])
        edge = edge_of(event, flow_run.flow)
        sources = self._handled.get(id) if edge is None else self._ids(event, flow_run, edge)
        run = NodeRun(
            self._next_number(flow_run),
            id,
            name,
            is_flow,
            None if edge is None else edge.index,
            self._runs(sources or ()),
            event.get("node_args"),
            event.get("failures"),
            self._flow_attempts[flow_run.id] or 1,
        )
        record = NodeRecord(run, flow_run, dict(event.get("parent") or {}))
        record.started_at = event.get("time")
        if id in self._nodes:  # it runs again, in a run that was reopened
            self._nodes[id].run.status = "active"
            self._nodes[id].error = None
            return
        self._nodes[id] = record
        if edge is not None and edge.condition is None:
            self._count(flow_run, edge, run.sources, fired=True)

    def _next_number(self, flow_run: FlowRecord) -> int:
        self._numbers[flow_run.id] += 1
        return self._numbers[flow_run.id]

    def _reused(self, event: Event, flow_run: FlowRecord) -> None:
        id = str(event["task_id"])
        run = NodeRun(
            self._next_number(flow_run),
            id,
            str(event["task_name"]),
            False,
            None,
            (),
            None,
            None,
            self._flow_attempts[flow_run.id] or 1,
        )
        run.status = "reused"
        self._nodes.setdefault(id, NodeRecord(run, flow_run, {}))

    def _attempt_began(self, event: Event, flow_run: FlowRecord) -> None:
        record = self._nodes.get(str(event["task_id"]))
        if record is not None:
            record.attempts = int(event.get("attempt") or record.attempts + 1)

    def _attempt_ended(self, event: Event, flow_run: FlowRecord) -> None:
        record = self._nodes.get(str(event["task_id"]))
        if record is None:
            return
        will_retry = event["event"] == "TASK_RETRY"
        error = None if event.get("user_retry") else error_of(event.get("what"))
        attempt, at = int(event.get("attempt") or 0), float(event.get("time") or 0.0)
        self._attempts.append(AttemptEnded(record, attempt, error, False, will_retry, at))

    def _node_ended(self, event: Event, flow_run: FlowRecord) -> None:
        id = str(event["node_id"])
        record = self._nodes.get(id)
        if record is None:
            if not event.get("refused"):
                return
            name = str(event["node_name"])
            index, sources = self._refused.get((flow_run.id, name), (None, ()))
            number, is_flow = self._next_number(flow_run), name in self._plan.flows
            run = NodeRun(number, id, name, is_flow, index, sources, None, None, 1)
            record = self._nodes[id] = NodeRecord(run, flow_run, {})
        succeeded = event["event"] == "NODE_SUCCESSFUL"
        record.run.status = "success" if succeeded else "failure"
        record.finished_at = event.get("time")
        record.abandoned = bool(event.get("abandoned"))
        if not succeeded and not record.run.is_flow:
            what = event.get("what")
            record.error = ArgumentError(str(what)) if event.get("refused") else error_of(what)

    def _args(self, event: Event, flow_run: FlowRecord) -> None:
        """The arguments of nodes could not be worked out: they fail without being started."""
        index, edges = event.get("edge"), flow_run.flow.edges
        if not event.get("what") or not isinstance(index, int) or not 0 <= index < len(edges):
            return
        if edges[index].destinations == tuple(event["nodes_to"]):
            sources = self._runs(self._ids(event, flow_run, edges[index]))
            for name in event["nodes_to"]:
                self._refused[flow_run.id, str(name)] = (index, sources)

    def _eager_failure(self, event: Event, flow_run: FlowRecord) -> None:
        record = self._nodes.get(str(event["node_id"]))
        if record is not None:
            self._eager.append(record.run)

    # -- decisions ----------------------------------------------------------------------------------------------

    def _condition(self, event: Event, flow_run: FlowRecord) -> None:
        edge = edge_of(event, flow_run.flow)
        if edge is None:
            return
        value, sources = event["event"] == "EDGE_COND_TRUE", self._runs(self._ids(event, flow_run, edge))
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
        sources, items = self._runs(self._ids(event, flow_run, edge)), int(event["count"])
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
        runs = self._runs(handled)
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

    # -- what events refer to -----------------------------------------------------------------------------------

    def _count(self, flow_run: FlowRecord, edge: EdgePlan, sources: Sequence[NodeRun], *, fired: bool) -> None:
        key, combination = (flow_run.id, edge.index), tuple(run.number for run in sources)
        self._considered.setdefault(key, set()).add(combination)
        if fired:
            self._fired.setdefault(key, set()).add(combination)

    def _runs(self, ids: Iterable[str]) -> tuple[NodeRun, ...]:
        return tuple(self._nodes[id].run for id in ids if id in self._nodes)

    def _ids(self, event: Event, flow_run: FlowRecord, edge: EdgePlan) -> Iterator[str]:
        """The ids of the sources for which an edge was considered, in the order in which the edge names them."""
        parent = event.get("parent") or {}
        for name in edge.sources:
            if isinstance(parent.get(name), str):
                yield parent[name]
            elif name in parent:  # a sub-flow that passes on what finished in it: the newest run of it
                runs = [r.run for r in self._nodes.values() if r.flow_run is flow_run and r.run.name == name]
                yield from (run.id for run in runs[-1:])


def _root_of(record: FlowRecord) -> FlowRecord:
    while record.parent_run is not None:
        record = record.parent_run
    return record


_Handler = Callable[[_Reading, Event, FlowRecord], None]
_HANDLERS: dict[str, _Handler] = {
    "FLOW_START": _Reading._flow_started,
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
    "EDGE_COND_TRUE": _Reading._condition,
    "EDGE_COND_FALSE": _Reading._condition,
    "FOREACH_RESULT": _Reading._foreach,
    "FALLBACK_COND_TRUE": _Reading._fallback_condition,
    "FALLBACK_COND_FALSE": _Reading._fallback_condition,
    "FALLBACK_START": _Reading._fallback_used,
    "SELECTIVE_OMIT_EDGE": _Reading._omitted,
    "SELECTIVE_OMIT_NODE": _Reading._omitted,
}
