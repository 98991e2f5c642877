"""Local flow runs: how they begin, end, are retried and cancelled."""

from __future__ import annotations

from typing import NamedTuple

from selinon_core.cases.model import Outcome
from selinon_core.dispatch import FlowRun
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.node_run import FlowOutcome
from selinon_core.errors import ArgumentError, FlowError, FlowTimeout, StorageError
from selinon_core.local.driver_state import DriverState, is_abandoned
from selinon_core.local.mocked_attempt import error_of
from selinon_core.local.run_setup import RunSetup
from selinon_core.plan import FlowPlan
from selinon_core.runtime.ids import id_maker, seeded_id_maker
from selinon_core.runtime.trace import entries as trace_entries
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord


class FlowEffects:
    """Performs the effects that are about whole flow runs."""

    def __init__(self, state: DriverState, prepared: RunSetup) -> None:
        self.state = state
        self._tables = prepared.tables
        self._inputs = prepared.inputs
        self._id_maker = seeded_id_maker if state.options.is_seeded else id_maker
        #: by id: flows that have not ended, and sub-flows that have not begun
        self._open: dict[str, FlowRecord] = {}
        self._scheduled: dict[str, NodeRecord] = {}
        #: flow runs by id that are mocked as a whole and have not ended
        self._mocked: dict[str, FlowRecord] = {}

    def begin(
        self,
        name: str,
        id: str,
        given: on.FlowStarted,
        parent_run: FlowRecord | None = None,
        node: NodeRecord | None = None,
    ) -> FlowRecord:
        """Begin a flow run; ``node`` is that of a sub-flow in ``parent_run``."""
        state = self.state
        machine = FlowRun(self._tables[name], self._id_maker(id), state.plan.settings.on_unreached)
        flow = state.plan.flows[name]
        if flow.input_schema is not None:
            given = self._fitted(flow, given)
        about = (given.args, given.parent, given.failures, given.selective)
        record = FlowRecord(flow, id, machine, *about, parent_run, node)
        state.flows.append(record)
        self._open[id] = record
        state.recorder.record((trace_entries.FLOW_STARTED, state.agenda.now, record))
        if flow.timeout is not None:
            state.agenda.add(flow.timeout, Deadline(self, record))
        state.inbox.append((record, given))
        return record

    def _fitted(self, flow: FlowPlan, given: on.FlowStarted) -> on.FlowStarted:
        """A start with the defaults of the flow's arguments, or with the reason why they do not fit."""
        args, refused = given.args, None
        try:
            args = self._inputs.fitted(flow, args)
        except ArgumentError as error:
            refused = str(error)
        return on.FlowStarted(args, given.parent, given.failures, given.selective, refused, given.rerun)

    def start(self, parent_run: FlowRecord, effect: do.StartFlow) -> None:
        """Schedule a sub-flow."""
        state = self.state
        node = state.new_node(effect.node_run, parent_run, effect.parent)
        throttling = state.plan.flows[effect.node_run.name].throttling
        delay = state.throttled(effect.node_run.name, throttling) if throttling else 0.0
        state.recorder.record((trace_entries.SCHEDULED, state.agenda.now, node, delay))
        self._scheduled[effect.node_run.id] = node
        state.agenda.add(delay, BeginSubflow(self, node, effect))

    def begin_subflow(self, node: NodeRecord, effect: do.StartFlow) -> None:
        """Begin a sub-flow whose time has come."""
        run = effect.node_run
        del self._scheduled[run.id]
        node.started_at = self.state.agenda.now
        node.attempts = 1
        self.state.recorder.observe("started", node)
        mocked = self.state.scripts.of_flow(node)
        if mocked is not None:
            self._begin_mocked(node, effect, mocked)
            return
        given = on.FlowStarted(run.args, effect.parent, run.failures, effect.selective, None, effect.rerun)
        self.begin(run.name, run.id, given, node.flow_run, node)

    def _begin_mocked(self, node: NodeRecord, effect: do.StartFlow, mocked: Outcome) -> None:
        """Begin a flow run of which only its outcome is played: it starts no nodes."""
        state, run = self.state, effect.node_run
        flow = state.plan.flows[run.name]
        machine = FlowRun(self._tables[run.name], self._id_maker(run.id), state.plan.settings.on_unreached)
        about = (run.args, effect.parent, run.failures, effect.selective)
        record = FlowRecord(flow, run.id, machine, *about, node.flow_run, node)
        state.flows.append(record)
        self._mocked[run.id] = record
        state.recorder.record((trace_entries.FLOW_STARTED, state.agenda.now, record))
        if flow.timeout is not None and mocked.after > flow.timeout:
            state.agenda.add(flow.timeout, EndMockedFlow(self, record, None))
        else:
            state.agenda.add(mocked.after, EndMockedFlow(self, record, mocked))

    def end_mocked(self, record: FlowRecord, mocked: Outcome | None) -> None:
        """End a flow run as scripted; ``mocked`` None: by its time-out."""
        from selinon_core.local.mocked_flow import MockedFlows, timed_out  # most runs have no such mock

        del self._mocked[record.id]
        if mocked is None:
            self._ended(record, timed_out(), None)
            return
        try:
            outcomes = MockedFlows(self.state.plan, self.state.storages, self.state.lookup)
            outcome = outcomes.outcome(record.id, record.flow.name, mocked)
        except StorageError as error:
            outcome = FlowOutcome(False, {}, {}, [], {}, str(error))
        self._ended(record, outcome, error_of(mocked) if mocked.kind == "error" else None)

    def finish(self, record: FlowRecord, effect: do.FinishFlow) -> None:
        """Keep the outcome of a flow run; the flow it is a node of gets to know it."""
        del self._open[record.id]
        self._ended(record, effect.outcome, None)

    def _ended(self, record: FlowRecord, outcome: FlowOutcome, error: BaseException | None) -> None:
        """Note the end of a flow run; ``error``: what its node ended with, if that is no ``FlowError``."""
        state = self.state
        record.outcome = outcome
        record.ended_at = now = state.agenda.now
        node = record.node
        if node is not None:
            node.finished_at = now
            node.attempts = record.machine.attempt or 1  # a mocked one has no attempt
            node.abandoned = is_abandoned(node)
            if not outcome.succeeded:
                node.error = error or (FlowTimeout if outcome.timed_out else FlowError)(outcome.state)
            assert record.parent_run is not None
            event = on.NodeSucceeded if outcome.succeeded else on.NodeFailed
            state.inbox.append((record.parent_run, event(node.run.number, outcome)))
            state.recorder.observe("ended", node)
        state.recorder.record((trace_entries.FLOW_ENDED, now, record, outcome))

    def schedule_retry(self, record: FlowRecord, effect: do.ScheduleRetry) -> None:
        """Begin the next attempt after a countdown."""
        state = self.state
        state.recorder.record((trace_entries.FLOW_RETRIED, state.agenda.now, record, effect.outcome, effect.delay))
        state.steps.count(record)
        state.agenda.add(effect.delay, RetryFlow(self, record))

    def cancel(self, record: FlowRecord, effect: do.CancelFlows) -> None:
        """Cancel sub-flows, begun or not."""
        state = self.state
        for run in effect.runs:
            flow = self._open.get(run.id)
            if flow is not None:
                state.recorder.record((trace_entries.FLOW_CANCELLED, state.agenda.now, flow))
                state.inbox.append((flow, on.FlowCancelled()))
                continue
            mocked = self._mocked.pop(run.id, None)
            if mocked is not None:
                from selinon_core.local.mocked_flow import cancelled

                state.recorder.record((trace_entries.FLOW_CANCELLED, state.agenda.now, mocked))
                self._ended(mocked, cancelled(), None)
                continue
            node = self._scheduled.pop(run.id, None)
            if node is not None:  # throttled, it did not begin yet
                node.finished_at = state.agenda.now
                node.abandoned = True
                run.status = "failure"

    def note(self, record: FlowRecord, note: do.TraceNote) -> None:
        """Record a decision of the dispatcher."""
        self.state.recorder.record((trace_entries.NOTE, self.state.agenda.now, record, note))


class BeginSubflow(NamedTuple):
    """A sub-flow that was scheduled begins."""

    flows: FlowEffects
    node: NodeRecord
    effect: do.StartFlow

    def is_obsolete(self) -> bool:
        """Whether it was cancelled before it began."""
        return self.node.finished_at is not None

    def run(self) -> None:
        """Begin it, unless it was cancelled."""
        if self.node.finished_at is None:
            self.flows.begin_subflow(self.node, self.effect)


class EndMockedFlow(NamedTuple):
    """A flow run that is mocked as a whole ends."""

    flows: FlowEffects
    record: FlowRecord
    outcome: Outcome | None

    def is_obsolete(self) -> bool:
        """Whether it was cancelled."""
        return self.record.outcome is not None

    def run(self) -> None:
        """End it, unless it was cancelled."""
        if self.record.outcome is None:
            self.flows.end_mocked(self.record, self.outcome)


class Deadline(NamedTuple):
    """The time-out of a flow run passes."""

    flows: FlowEffects
    record: FlowRecord

    def is_obsolete(self) -> bool:
        """Whether the flow is over."""
        return self.record.outcome is not None

    def run(self) -> None:
        """Send the event to the flow run."""
        self.flows.state.inbox.append((self.record, on.DeadlinePassed()))


class CancelFlow(NamedTuple):
    """A flow run is cancelled from outside."""

    flows: FlowEffects
    record: FlowRecord

    def is_obsolete(self) -> bool:
        """Whether the flow is over."""
        return self.record.outcome is not None

    def run(self) -> None:
        """Send the event to the flow run."""
        if self.record.outcome is None:
            state = self.flows.state
            state.recorder.record((trace_entries.FLOW_CANCELLED, state.agenda.now, self.record))
            state.inbox.append((self.record, on.FlowCancelled()))


class RetryFlow(NamedTuple):
    """The next attempt of a flow run begins."""

    flows: FlowEffects
    record: FlowRecord

    def is_obsolete(self) -> bool:
        """Whether the flow is over."""
        return self.record.outcome is not None

    def run(self) -> None:
        """Send the event to the flow run."""
        state = self.flows.state
        if self.record.outcome is None:
            state.recorder.record((trace_entries.ATTEMPT_STARTED, state.agenda.now, self.record))
        state.inbox.append((self.record, on.RetryDue()))
