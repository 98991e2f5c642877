"""A local rerun: answers what is reused, and takes the reused node runs over into the new run.

What is inside a sub-flow run that is reused whole becomes part of the new run as well. So the report of the rerun
has everything that it rests on, and can be run again in turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from selinon_core.dispatch import NodeRun
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.plan import FlowPlan
from selinon_core.rerunning.reuse import NOT_GIVEN, Reuse
from selinon_core.runtime.facts import EdgeConsidered
from selinon_core.runtime.json_values import snapshot
from selinon_core.runtime.run_report import MOST_DECISIONS, decision_of
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord, edge_of

if TYPE_CHECKING:
    from selinon_core.local.driver_state import DriverState
    from selinon_core.rerunning.preview import Preview


class _Reused:
    """What facts ask of the machine of a flow run that is reused: nothing was considered in this run."""

    considered: Mapping[int, int] = {}
    fired: Mapping[int, int] = {}
    attempt = 1
    open_questions = ()

    def __init__(self) -> None:
        self.start = on.FlowStarted()


class LocalRerun:
    """``made_by`` has, by the id of each reused node run, the id of the run that made it."""

    def __init__(self, state: DriverState, preview: Preview) -> None:
        self._state = state
        self._preview = preview
        self._recorded = preview.recorded
        self._reuse = Reuse(preview, self._has_same_result)
        self._given: dict[str, Any] = {}
        self.made_by: dict[str, str] = {}
        self._taken_over: dict[str, FlowPlan] = {}

    @property
    def root(self) -> str:
        """The id of the flow run that is run again."""
        return self._recorded.root.id

    def preload(self) -> None:
        """Make the recorded results, and errors, readable by the ids of their node runs."""
        state, tasks = self._state, self._state.plan.tasks
        state.lookup.knows_reused = True
        for record in self._recorded.seen.records:
            run, flow = record.run, record.flow_run.flow.name
            if run.is_flow or run.name not in tasks:
                continue
            state.lookup.add_mocked(run.id, flow, record.error)
            if run.status in ("success", "reused"):
                state.storages.preload(flow, run.name, run.id, record.result)

    def answer(self, record: FlowRecord, question: do.Question) -> on.Event | None:
        """The answer to a question of a flow run; None: it is to be asked as ever."""
        machine = record.machine
        if not isinstance(question, do.AskRecorded):
            return None if machine.start.rerun is None else self._reuse.decision(record.flow, machine, question)
        given = self._reuse.given(record.flow, machine, question)
        if given is NOT_GIVEN:
            return self._reuse.answer(record.flow, machine, question)
        self._give(record, question.node_run, given)
        return on.ReuseAnswered(question.question, question.node_run.id)

    def _give(self, record: FlowRecord, run: NodeRun, value: Any) -> None:
        task = self._state.plan.tasks[run.name]
        self._given[run.id] = value
        if task.storage is not None and not task.storage_readonly:
            self._state.storages.store(run.args, record.flow.name, run.name, run.id, value)

    def _has_same_result(self, new: NodeRun, recorded: NodeRecord) -> bool:
        if new.is_flow:
            outcome, was = new.outcome, self._recorded.outcome(recorded.run.id)
            has_outputs = outcome is not None and was is not None and outcome.has_output and was.has_output
            return has_outputs and outcome.output == was.output  # type: ignore[union-attr]
        found = self._state.lookup.find(new.id)
        return found is not None and bool(found.result == snapshot(recorded.result))

    # -- taking over --------------------------------------------------------------------------------------------

    def take_over(self, record: NodeRecord) -> None:
        """Fill in a reused node run, and add what is inside of it."""
        run = record.run
        if run.id in self._given:
            record.result = snapshot(self._given[run.id])
            return
        recorded = self._recorded.by_id.get(run.id)
        if recorded is None:  # a selective run function named it
            record.result = self._state.reused_result(record)
            return
        record.result = snapshot(recorded.result)
        self._note_origin(run.id)
        if run.is_flow and run.id in self._recorded.flow_runs:
            self._add_inside(record)

    def _note_origin(self, id: str) -> None:
        self.made_by[id] = self._recorded.seen.reused_from.get(id, self._recorded.root.id)

    def _add_inside(self, above: NodeRecord) -> None:
        state, recorded, now = self._state, self._recorded, self._state.agenda.now
        flow_runs = {above.run.id: self._flow_record(above)}
        runs: dict[str, NodeRun] = {}
        todo = [above.run.id]
        for flow_run in todo:
            for was in recorded.inside(flow_run):
                runs[was.run.id] = run = self._copied(was, runs)
                record = NodeRecord(run, flow_runs[flow_run], was.parent)
                record.started_at = record.finished_at = now
                record.result, record.error = was.result, was.error
                if run.status == "failure":
                    record.attempts = was.attempts
                elif run.status == "reused":
                    self._note_origin(run.id)
                state.nodes.append(record)
                if run.is_flow:
                    flow_runs[run.id] = self._flow_record(record)
                    todo.append(run.id)

    def _flow_record(self, node: NodeRecord) -> FlowRecord:
        """The record of a flow run that is reused whole."""
        state, run = self._state, node.run
        flow, machine = state.plan.flows[run.name], _Reused()
        about = (run.args, node.parent, run.failures, None, node.flow_run, node)
        record = FlowRecord(flow, run.id, machine, *about)  # type: ignore[arg-type]
        record.outcome, record.ended_at = run.outcome, state.agenda.now
        self._taken_over[run.id] = flow
        state.flows.append(record)
        return record

    def _copied(self, was: NodeRecord, runs: Mapping[str, NodeRun]) -> NodeRun:
        run = was.run
        sources = tuple(runs[source.id] for source in run.sources if source.id in runs)
        about = (run.name, run.is_flow, self._edge_now(was), sources, run.args, run.failures)
        copied = NodeRun(run.number, run.id, *about, run.flow_attempt, run.position)
        copied.status = "reused" if run.status == "success" else run.status
        copied.parent, copied.parent_numbers = run.parent, run.parent_numbers
        copied.outcome = self._recorded.outcome(run.id) if run.is_flow else None
        return copied

    def _edge_now(self, was: NodeRecord) -> int | None:
        """The index that an edge has now; None for a fallback, and where the edge is gone."""
        edge, flow = edge_of(was), self._state.plan.flows.get(was.flow_run.flow.name)
        if edge is None or flow is None:
            return None
        return self._index_now(flow, was.flow_run.flow, edge.index)

    def _index_now(self, now: FlowPlan, was: FlowPlan, index: int) -> int | None:
        ends = self._recorded.ends(was, index)
        if index < len(now.edges) and self._recorded.ends(now, index) == ends:
            return index
        return next((edge.index for edge in now.edges if self._recorded.ends(now, edge.index) == ends), None)

    def to_report(self, report: dict[str, Any]) -> None:
        """Add to a report of which run this is a rerun, and where reused node runs come from."""
        asked = self._preview.request.to_json()
        report["rerun"] = {"of": self.root, "origin": self._recorded.seen.origin or self.root, **asked}
        for row in report["nodes"]:
            if row["id"] in self.made_by:
                row["reused_from"] = self.made_by[row["id"]]
        room = MOST_DECISIONS - len(report["decisions"])
        report["decisions"] += [decision_of(fact) for fact in islice(self._decisions(), max(room, 0))]

    def _decisions(self) -> Iterator[EdgeConsidered]:
        """The decisions in flow runs that are reused whole, as edges are numbered now."""
        for fact in self._recorded.seen.facts.edges:
            flow = self._taken_over.get(fact.flow_run.id)
            index = None if flow is None else self._index_now(flow, fact.flow_run.flow, fact.edge.index)
            if index is not None:
                yield fact._replace(edge=fact.edge._replace(index=index))
