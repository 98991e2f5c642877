"""Records what simulated workers do as a local run records it: flow runs, node runs, journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.reporting.run_tracer import RunTracer
from selinon_core.celery.transport.message_schema import NodeMessage
from selinon_core.dispatch import NodeRun
from selinon_core.dispatch import effects as do
from selinon_core.errors import ArgumentError, FlowError, FlowTimeout
from selinon_core.local.driver_state import DriverState
from selinon_core.local.step_limit import StepLimitExceeded
from selinon_core.runtime.trace import entries as trace_entries
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord


class RecordingTracer(RunTracer):
    """A tracer that all workers of a world share. ``stopped_by`` is set when the run took too many steps.

    Each worker replays the log into machines of its own, with node runs of their own. The records have one
    ``NodeRun`` for each number of a flow run, so that sources are the same objects wherever they occur.
    """

    def __init__(self, state: DriverState, clock: Callable[[], float]) -> None:
        super().__init__(state.plan, state.imports)
        self._state = state
        self._clock = clock
        self._flows: dict[str, FlowRecord] = {}
        self._runs: dict[tuple[str, int], NodeRun] = {}
        self._nodes: dict[tuple[str, int], NodeRecord] = {}
        self._by_id: dict[str, NodeRecord] = {}
        self.stopped_by: StepLimitExceeded | None = None

    @property
    def silent(self) -> bool:
        """Everything is recorded."""
        return False

    def emit(self, event: str, details: Mapping[str, Any]) -> None:
        """Record an event that needs no expanding."""
        self._state.agenda.now = self._clock()
        self._state.recorder.trace(event, dict(details))

    def emit_entry(self, *entry: Any) -> None:
        """Record an entry, and what the records say after it."""
        kind, *about = entry
        now = self._state.agenda.now = self._clock()
        note = self._takes.get(kind)
        if note is not None:
            about = note(self, now, *about)
        self._state.recorder.record((kind, now, *about))

    def flow(self, run: CachedRun) -> FlowRecord:
        """The record of a flow run; its machine is that of the worker that advanced it last."""
        record = self._flows.get(run.id)
        if record is None:
            start, above, node = run.machine.start, None, None
            if run.header.caller is not None:
                flow_id, number, _ = run.header.caller
                above, node = self._flows[flow_id], self._nodes[flow_id, number]
                node.started_at, node.attempts = self._clock(), 1
            given = (start.args, start.parent, start.failures, start.selective)
            record = self._flows[run.id] = FlowRecord(run.flow, run.id, run.machine, *given, above, node)
            self._state.flows.append(record)
        record.machine = run.machine
        record.flow = run.flow  # a migration may have changed it
        return record

    def task(self, message: NodeMessage, task_id: str, attempts: int) -> NodeRecord:
        """The record of a task run."""
        record = self._nodes[message.id, message.number]
        record.attempts = attempts
        return record

    def _wait(self, run: CachedRun, node: NodeRun) -> NodeRecord:
        return self._nodes[run.id, node.number]

    @property
    def nodes(self) -> Mapping[tuple[str, int], NodeRecord]:
        """The records of node runs by flow run id and number."""
        return self._nodes

    def node_of(self, task_id: str) -> NodeRecord:
        """The record of a task run by its id."""
        return self._by_id[task_id]

    # -- node runs of all workers as one
    # --------------------------------------------------------------------------

    def _run(self, flow_id: str, run: NodeRun) -> NodeRun:
        key = (flow_id, run.number)
        known = self._runs.get(key)
        if known is None:
            known = self._runs[key] = NodeRun(
                run.number,
                run.id,
                run.name,
                run.is_flow,
                run.edge,
                tuple(self._run(flow_id, source) for source in run.sources),
                run.args,
                run.failures,
                run.flow_attempt,
                run.position,
            )
            known.parent, known.parent_numbers, known.status = run.parent, run.parent_numbers, run.status
            known.refused = run.refused
        return known

    def _asked(self, flow_id: str, question: do.Question) -> do.Question:
        if isinstance(question, (do.AskFallbackCondition, do.AskFirstResult, do.AskRecorded)):
            return question
        if isinstance(question, do.AskOutput):
            return do.AskOutput(question.question, {}, question.args)  # the names say no more than the run does
        sources = tuple(self._run(flow_id, source) for source in question.sources)
        if isinstance(question, do.AskArgs):
            items, positions = question.items, question.positions
            about = (question.args, items, positions, question.destinations)
            return do.AskArgs(question.question, question.entry, sources, *about)
        if isinstance(question, do.AskCondition):
            return do.AskCondition(question.question, question.edge, sources, question.args)
        if isinstance(question, do.AskForeach):
            return do.AskForeach(question.question, question.edge, sources, question.args, question.needs_items)
        given = (question.args, question.task_args, question.given_item)
        rest = (question.tasks, question.position)
        return do.AskReuse(question.question, question.edge, sources, question.name, *given, *rest)

    # -- what an entry changes, and the entry as it is kept
    # --------------------------------------------------------

    def _scheduled(self, now: float, node: NodeRecord, delay: float = 0.0) -> list[Any]:
        record = self._new_node(node.flow_run, self._run(node.flow_run.id, node.run), node.given_parent)
        return [record, delay] if delay else [record]

    def _reused(self, now: float, flow_run: FlowRecord, run: NodeRun) -> list[Any]:
        record = self._new_node(flow_run, self._run(flow_run.id, run), None)
        record.started_at = record.finished_at = now
        record.result = self._state.reused_result(record)
        return [flow_run, record.run]

    def _refused(self, now: float, flow_run: FlowRecord, run: NodeRun) -> list[Any]:
        record = self._new_node(flow_run, self._run(flow_run.id, run), None)
        record.finished_at, record.error = now, ArgumentError(run.refused)
        return [flow_run, record.run]

    def _new_node(self, flow_run: FlowRecord, run: NodeRun, parent: dict[str, Any] | None) -> NodeRecord:
        try:
            record = self._state.new_node(run, flow_run, parent)
        except StepLimitExceeded as error:  # the run is stopped between two messages
            self.stopped_by = error
            record = self._state.nodes[-1]
        self._nodes[flow_run.id, run.number] = self._by_id[run.id] = record
        return record

    def _started(self, now: float, record: NodeRecord, attempt: int) -> list[Any]:
        if record.started_at is None:
            record.started_at = now
        return [record, attempt]

    def _succeeded(self, now: float, record: NodeRecord, told_already: bool = False) -> list[Any]:
        record.finished_at = now
        record.run.status = "success"
        # The stand-in of a storage does not trace what it stores: the entry stands for that.
        return [record, told_already and not self._state.storages.is_mocked(record.run.name)]

    def _retried(self, now: float, record: NodeRecord, *about: Any) -> list[Any]:
        _, _, _, record.retries = about
        record.attempted_at = now
        record.error = None
        try:
            self._state.steps.count(record)
        except StepLimitExceeded as error:
            self.stopped_by = error
        return [record, *about]

    def _failed(self, now: float, record: NodeRecord, *about: Any) -> list[Any]:
        record.finished_at = now
        record.run.status = "failure"
        return [record, *about]

    def _flow_ended(self, now: float, record: FlowRecord, outcome: Any) -> list[Any]:
        record.outcome, record.ended_at = outcome, now
        node = record.node
        if node is not None:
            node.finished_at, node.attempts = now, record.machine.attempt
            node.run.status = "success" if outcome.succeeded else "failure"
            node.run.outcome = outcome
            if not outcome.succeeded:
                node.error = (FlowTimeout if outcome.timed_out else FlowError)(outcome.state)
        return [record, outcome]

    def _flow_retried(self, now: float, record: FlowRecord, *about: Any) -> list[Any]:
        try:
            self._state.steps.count(record)
        except StepLimitExceeded as error:
            self.stopped_by = error
        return [record, *about]

    def _answered(self, now: float, record: FlowRecord, question: do.Question, *about: Any) -> list[Any]:
        return [record, self._asked(record.id, question), *about]

    def _noted(self, now: float, record: FlowRecord, note: do.TraceNote) -> list[Any]:
        if note.event != "FALLBACK_START":
            return [record, note]
        runs = {key: [self._run(record.id, run) for run in note.details[key]] for key in ("handled", "started")}
        return [record, do.TraceNote(note.event, {**note.details, **runs})]

    _takes: Mapping[int, Callable[..., list[Any]]] = {
        trace_entries.SCHEDULED: _scheduled,
        trace_entries.REUSED: _reused,
        trace_entries.REFUSED: _refused,
        trace_entries.STARTED: _started,
        trace_entries.SUCCEEDED: _succeeded,
        trace_entries.RETRIED: _retried,
        trace_entries.FAILED: _failed,
        trace_entries.FLOW_ENDED: _flow_ended,
        trace_entries.FLOW_RETRIED: _flow_retried,
        trace_entries.CONDITION: _answered,
        trace_entries.FOREACH: _answered,
        trace_entries.ARGS: _answered,
        trace_entries.REUSE: _answered,
        trace_entries.DEFERRED: _answered,
        trace_entries.UNANSWERED: _answered,
        trace_entries.NOTE: _noted,
    }
