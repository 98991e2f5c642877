"""The flow runs and node runs of trace events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from selinon_core.dispatch import FlowOutcome, FlowRun, NodeRun
from selinon_core.dispatch.node_run import CANCELLED, TIMED_OUT
from selinon_core.errors import ArgumentError
from selinon_core.explaining.event_references import Event, edge_of, error_of
from selinon_core.explaining.report_facts import Counts
from selinon_core.plan import EdgePlan, Plan
from selinon_core.runtime.facts import AttemptEnded
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord


class EventRuns:
    """Flow runs and node runs, from events taken one by one."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._flow_runs: dict[str, FlowRecord] = {}
        self._nodes: dict[str, NodeRecord] = {}
        #: All node runs in the order in which they were started.
        self._in_order: list[NodeRecord] = []
        self._numbers: Counter[str] = Counter()
        self._attempts: list[AttemptEnded] = []
        self._eager: list[NodeRun] = []
        #: By flow run and edge: the combinations for which an edge was considered, and those for which it fired.
        self._considered: dict[tuple[str, int], set[tuple[int, ...]]] = {}
        self._fired: dict[tuple[str, int], set[tuple[int, ...]]] = {}
        #: What a fallback handles, by the ids of what it starts.
        self._handled: dict[str, list[str]] = {}
        #: Edge and sources of nodes that are to fail without being started.
        self._refused: dict[tuple[str, str], tuple[int, tuple[NodeRun, ...]]] = {}
        self._flow_attempts: Counter[str] = Counter()
        #: By the ids of flow run and node run: reused ones of which the trace has the flow run that made them.
        self._reused_again: dict[tuple[str, str], NodeRecord] = {}
        #: The ids of flow runs and of the node runs that they reused.
        self._reuses: set[tuple[str, str]] = set()
        #: By the id of a rerun: the run that it runs again.
        self._reruns: dict[str, str] = {}
        #: By flow run and name: the newest run of a node.
        self._newest: dict[tuple[str, str], NodeRun] = {}
        #: By flow run and edge: the sources of the combination that an event was about last. What a
        #: sub-flow was started for may be in no event.
        self._asked: dict[tuple[str, int], Mapping[str, Any]] = {}

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

    def _rerun(self, event: Event, record: FlowRecord) -> None:
        self._reruns[record.id] = str(event["rerun_of"])

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
            self._runs(flow_run, sources or ()),
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
        self._in_order.append(record)
        self._newest[flow_run.id, name] = run
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
            event["task_name"] in self._plan.flows,
            None,
            (),
            None,
            None,
            self._flow_attempts[flow_run.id] or 1,
        )
        run.status = "reused"
        self._reuses.add((flow_run.id, id))
        record = NodeRecord(run, flow_run, {})
        self._in_order.append(record)
        if self._nodes.setdefault(id, record) is not record:  # the trace has the run that made it, too
            self._reused_again[flow_run.id, id] = record

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
            self._in_order.append(record)
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
        if not isinstance(index, int) or not 0 <= index < len(edges):
            return
        if edges[index].destinations == tuple(event["nodes_to"]):
            sources = self._runs(flow_run, self._ids(event, flow_run, edges[index]))
            if not event.get("what"):
                return
            for name in event["nodes_to"]:
                self._refused[flow_run.id, str(name)] = (index, sources)

    def _unanswered(self, event: Event, flow_run: FlowRecord) -> None:
        """A condition or a foreach could not be worked out: its edge was considered."""
        edge = edge_of(event, flow_run.flow) if "nodes_to" in event else None
        if edge is not None:
            self._count(flow_run, edge, self._runs(flow_run, self._ids(event, flow_run, edge)), fired=False)

    def _eager_failure(self, event: Event, flow_run: FlowRecord) -> None:
        record = self._nodes.get(str(event["node_id"]))
        if record is not None:
            self._eager.append(record.run)

    def _made_by(self, record: NodeRecord) -> str | None:
        """The flow run that made a node run which a rerun reuses, as far back as the trace goes."""
        flow_run, made_by = record.flow_run, self._reruns.get(root_of(record.flow_run).id)
        while (of := self._reruns.get(flow_run.id)) is not None:
            before = self._flow_runs.get(of)
            if before is None or (before.id, record.run.id) not in self._reuses:
                break
            flow_run, made_by = before, self._reruns.get(root_of(before).id)
        return made_by

    # -- what events refer to -----------------------------------------------------------------------------------

    def _count(self, flow_run: FlowRecord, edge: EdgePlan, sources: Sequence[NodeRun], *, fired: bool) -> None:
        key, combination = (flow_run.id, edge.index), tuple(run.number for run in sources)
        self._considered.setdefault(key, set()).add(combination)
        if fired:
            self._fired.setdefault(key, set()).add(combination)

    def _runs(self, flow_run: FlowRecord, ids: Iterable[str]) -> tuple[NodeRun, ...]:
        again = self._reused_again
        return tuple(again.get((flow_run.id, id), self._nodes[id]).run for id in ids if id in self._nodes)

    def _ids(self, event: Event, flow_run: FlowRecord, edge: EdgePlan) -> Iterator[str]:
        """The ids of the sources for which an edge was considered, in the order in which the edge names them."""
        parent, key = event.get("parent") or {}, (flow_run.id, edge.index)
        if event["event"] in _ABOUT_EDGES:
            self._asked[key] = parent
        asked = self._asked.get(key, {})
        for name in edge.sources:
            known = parent.get(name, asked.get(name))
            if isinstance(known, str):
                yield known
            elif (flow_run.id, name) in self._newest:  # of a sub-flow the parent has what finished in it
                yield self._newest[flow_run.id, name].id


#: Events that say for which combination something was asked about an edge.
_ABOUT_EDGES = ("EDGE_COND_TRUE", "EDGE_COND_FALSE", "FOREACH_RESULT", "NODE_ARGS")


def root_of(record: FlowRecord) -> FlowRecord:
    """The flow run at the top of one."""
    while record.parent_run is not None:
        record = record.parent_run
    return record
