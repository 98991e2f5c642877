"""Local flow runs: how they begin, end, are retried and cancelled."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

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

if TYPE_CHECKING:
    from selinon_core.local.places import LocalPlaces


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
        self._places: LocalPlaces | None = None
        #: flow runs by id that are mocked as a whole and have not ended
        self._mocked: dict[str, FlowRecord] = {}

    @property
    def places(self) -> LocalPlaces:
        """The places of limits; most projects have none."""
        if self._places is None:
            from selinon_core.local.places import LocalPlaces

            self._places = LocalPlaces(self.state, self._cancel_one)
        return self._places

    def still_queued(self) -> Exception | None:
        """Why the run cannot come to its end: a sub-flow waits for its place; None when none does."""
        return None if self._places is None else self._places.still_queued()

    def begin(
        self,
        name: str,
        id: str,
        given: on.FlowStarted,
        parent_run: FlowRecord | None = None,
        node: NodeRecord | None = None,
        is_fitted: bool = False,
    ) -> FlowRecord:
        """Begin a flow run; ``node`` is that of a sub-flow in ``parent_run``.

        ``is_fitted``: the arguments fit the flow, with its defaults.
        """
        state = self.state
        machine = FlowRun(self._tables[name], self._id_maker(id), state.plan.settings.on_unreached)
        flow = state.plan.flows[name]
        if flow.input_schema is not None and not is_fitted:
            given = self._fitted(flow, given)
        about = (given.args, given.parent, given.failures, given.selective)
        record = FlowRecord(flow, id, machine, *about, parent_run, node)
        state.flows.append(record)
        self._open[id] = record
        if flow.limit is not None:
            if parent_run is None:
                self._enter(flow, id, given.args, None, _nothing, _nothing)  # the first one finds its place
            given = self._with_key(id, given)
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
        flow = self.state.plan.flows[run.name]
        if flow.limit is not None and not self._has_place(flow, node, effect):
            return
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

    def _enter(
        self,
        flow: FlowPlan,
        id: str,
        args: Any,
        above: FlowRecord | None,
        begin: Callable[[], None],
        refuse: Callable[[str], None],
    ) -> str | None:
        """Ask for the place of a flow run: empty, it begins; None, it waits; else why it does not begin."""
        from selinon_core.local.places import Queued

        try:
            args = self._inputs.fitted(flow, args)
        except ArgumentError:
            return ""  # it fails when it begins
        return self.places.enter(Queued(flow, id, begin, refuse), args, above)

    def _with_key(self, id: str, given: on.FlowStarted) -> on.FlowStarted:
        """A start of a flow with a limit, with the reason why its key cannot be worked out."""
        refused = self.places.without_key.pop(id, None)
        if given.refused is not None or refused is None:
            return given
        return on.FlowStarted(given.args, given.parent, given.failures, given.selective, refused, given.rerun)

    def _has_place(self, flow: FlowPlan, node: NodeRecord, effect: do.StartFlow) -> bool:
        """Whether a sub-flow has its place, or needs none; else it waits for it, or is cancelled."""
        run = effect.node_run
        if self.places.has(run.id):
            return True
        begin = partial(self.state.agenda.add, 0, BeginSubflow(self, node, effect))
        why = self._enter(flow, run.id, run.args, node.flow_run, begin, partial(self._refuse, node, effect))
        if why:
            self._refuse(node, effect, why)
        return why == ""

    def _refuse(self, node: NodeRecord, effect: do.StartFlow, why: str) -> None:
        """A sub-flow is cancelled before it begins."""
        del self._scheduled[effect.node_run.id]
        node.started_at = self.state.agenda.now
        self._ended(self._played(node, effect), FlowOutcome(False, {}, {}, [], {}, why, cancelled=True), None)

    def _cancel_one(self, id: str) -> bool:
        """Cancel a flow run; False: it has not begun."""
        flow = self._open.get(id)
        if flow is not None:
            self.state.recorder.record((trace_entries.FLOW_CANCELLED, self.state.agenda.now, flow))
            self.state.inbox.append((flow, on.FlowCancelled()))
            return True
        mocked = self._mocked.pop(id, None)
        if mocked is not None:
            from selinon_core.local.mocked_flow import cancelled

            self.state.recorder.record((trace_entries.FLOW_CANCELLED, self.state.agenda.now, mocked))
            self._ended(mocked, cancelled(), None)
        return mocked is not None

    def _played(self, node: NodeRecord, effect: do.StartFlow) -> FlowRecord:
        """The record of a flow run that starts no nodes."""
        state, run = self.state, effect.node_run
        machine = FlowRun(self._tables[run.name], self._id_maker(run.id), state.plan.settings.on_unreached)
        about = (run.args, effect.parent, run.failures, effect.selective)
        record = FlowRecord(state.plan.flows[run.name], run.id, machine, *about, node.flow_run, node)
        state.flows.append(record)
        state.recorder.record((trace_entries.FLOW_STARTED, state.agenda.now, record))
        return record

    def _begin_mocked(self, node: NodeRecord, effect: do.StartFlow, mocked: Outcome) -> None:
        """Begin a flow run of which only its outcome is played: it starts no nodes."""
        state, run = self.state, effect.node_run
        flow = state.plan.flows[run.name]
        record = self._mocked[run.id] = self._played(node, effect)
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
        if self._places is not None:
            self._places.leave(record.id)
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
            self._cancel_one(run.id)
            node = self._scheduled.pop(run.id, None)
            if node is not None:  # throttled or queued, it did not begin yet
                if self._places is not None:
                    self._places.leave(run.id)
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


def _nothing(*about: Any) -> None:
    """The flow run at the top finds its place: nothing begins it later."""
