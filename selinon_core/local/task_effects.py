"""Tasks of local flow runs: started when their time has come, tried again, ended; and what is not started."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.errors import ArgumentError
from selinon_core.local.attempts import Attempts
from selinon_core.local.driver_state import DriverState, is_abandoned
from selinon_core.local.mocked_attempt import Played
from selinon_core.local.run_setup import RunSetup
from selinon_core.plan import TaskPlan
from selinon_core.runtime.json_values import NotJson, describe_json_error, snapshot
from selinon_core.runtime.task_runner import Attempt, Failed, RetryLater, Succeeded
from selinon_core.runtime.trace import entries as trace_entries
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord
from selinon_core.runtime.trace.tracer import jsonable

if TYPE_CHECKING:
    from selinon_core.local.task_places import LocalTaskPlaces
    from selinon_core.local.waits import LocalWaits


class TaskEffects:
    """Performs the effects that are about tasks; ``advance`` hands the end of one to its flow run."""

    def __init__(
        self, state: DriverState, prepared: RunSetup, advance: Callable[[FlowRecord, on.Event], None]
    ) -> None:
        self._state = state
        self._tasks = state.plan.tasks
        self._agenda = state.agenda
        self._stand_ins = state.storages.stand_ins
        self._advance = advance
        self._recorder = state.recorder
        self._record = state.recorder.record
        self._journal = state.recorder.journal
        self._observer = state.options.observer
        self._is_real_time = state.real_time
        self._is_parallel = state.options.concurrency > 1  # one at a time never waits for a free place
        self._waiting: deque[NodeRecord] = deque()
        self.attempts = Attempts(
            prepared,
            state.options,
            state.agenda,
            state.storages,
            state.lookup,
            state.scripts,
            state.recorder.trace,
            self._attempt_ended,
        )
        #: Tasks without a time-out run right here, and nothing is heard of their beginning before their end.
        self._at_once = self.attempts.plain and not state.recorder.is_heard
        self._stand_in = prepared.stand_in
        self._waits: LocalWaits | None = None
        self._places: LocalTaskPlaces | None = None

    @property
    def places(self) -> LocalTaskPlaces:
        """The places of limits of tasks; most runs have none."""
        if self._places is None:
            from selinon_core.local.task_places import LocalTaskPlaces

            self._places = LocalTaskPlaces(
                self._state, lambda record: self._state.agenda.add(0, RunTask(self, record))
            )
        return self._places

    @property
    def waits(self) -> LocalWaits:
        """The tasks that wait for signals; most runs have none."""
        if self._waits is None:
            from selinon_core.local.waits import LocalWaits

            self._waits = LocalWaits(self._state, self.attempts, self._stand_in)
        return self._waits

    def start(self, flow_run: FlowRecord, effect: do.StartTask) -> None:
        """Schedule a task."""
        run, agenda = effect.node_run, self._agenda
        record = self._state.new_node(run, flow_run, effect.parent)
        task = self._tasks[run.name]
        delay = self._state.throttled(run.name, task.throttling) if task.throttling else 0.0
        now = agenda.now
        self._record(
            (trace_entries.SCHEDULED, now, record, delay) if delay else (trace_entries.SCHEDULED, now, record)
        )
        if task.wait is None:
            agenda.add(delay, RunTask(self, record))
        else:
            agenda.add(0, BeginWait(self, record))

    def wait(self, record: NodeRecord) -> None:
        """A task begins to wait for a signal."""
        now = self._agenda.now
        record.started_at, record.attempts = now, 1
        self._recorder.observe("started", record)
        self._record((trace_entries.STARTED, now, record, 1))
        self.waits.begin(record, self._tasks[record.run.name])

    def run(self, record: NodeRecord) -> None:
        """Run the next attempt of a task, here or at the side, or play its mock."""
        task = self._tasks[record.run.name]
        if task.limit is not None and not self._has_place(record, task):
            return
        if self._is_parallel and self.attempts.is_full():
            self._waiting.append(record)
            return
        now = self._agenda.now
        if record.started_at is None:
            record.started_at = now
        record.attempts += 1
        if self._observer is not None:
            self._observer("started", record)
        if not self._at_once or task.timeout is not None:
            self._record((trace_entries.STARTED, now, record, record.attempts))
            self.attempts.begin(record, task)
            return
        journal = self._journal
        entries = len(journal)
        attempt = self.attempts.run(record, task)
        if attempt.__class__ is not Succeeded or len(journal) > entries:
            # Something else happened between the beginning and the end.
            journal.insert(entries, (trace_entries.STARTED, now, record, record.attempts))
            self._attempt_ended(record, attempt)
        else:
            if task.limit is not None:
                self.places.leave(record)
            self._succeeded(record, attempt, trace_entries.RAN)

    def _has_place(self, record: NodeRecord, task: TaskPlan) -> bool:
        """Whether the next attempt may begin; False: it waits for its place, or failed because it has no key."""
        try:
            return self.places.enter(record, task)
        except ArgumentError as error:
            now = self._agenda.now
            record.started_at = now if record.started_at is None else record.started_at
            record.attempts += 1
            if self._observer is not None:
                self._observer("started", record)
            self._record((trace_entries.STARTED, now, record, record.attempts))
            self._attempt_ended(record, Failed(error))
            return False

    def run_waiting(self) -> bool:
        """Make a task due that waited for a free place, if there is one and a place for it."""
        if not self._waiting or self.attempts.is_full():
            return False
        self._agenda.add(0, RunTask(self, self._waiting.popleft()))
        return True

    def close(self) -> None:
        """Give up what still runs.

        Nothing of the run refers to its driver any more, so its last reader frees it, and the garbage collector
        need not: that took a tenth of the time of many small runs.
        """
        self.attempts.close()
        del self._advance

    def reuse(self, flow_run: FlowRecord, effect: do.ReuseNode) -> None:
        """Take over a node run of an earlier run, with its result."""
        state = self._state
        run = effect.node_run
        record = state.new_node(run, flow_run, None)
        record.started_at = record.finished_at = self._agenda.now
        if state.rerun is None:
            record.result = state.reused_result(record)
        else:
            state.rerun.take_over(record)
        self._recorder.observe("ended", record)
        self._record((trace_entries.REUSED, self._agenda.now, flow_run, run))

    def refuse(self, flow_run: FlowRecord, effect: do.FailNode) -> None:
        """Note a node run, of a task or a flow, that failed without being started."""
        now, run = self._agenda.now, effect.node_run
        record = self._state.new_node(run, flow_run, None)
        record.finished_at, record.error = now, ArgumentError(run.refused)
        self._recorder.observe("ended", record)
        self._record((trace_entries.REFUSED, now, flow_run, run))

    def _attempt_ended(self, record: NodeRecord, attempt: Attempt) -> None:
        if self._places is not None:
            self._places.leave(record)
        if isinstance(attempt, Succeeded):
            self._succeeded(record, attempt, trace_entries.SUCCEEDED)
        elif isinstance(attempt, RetryLater):
            self._retry(record, attempt)
        else:
            self._failed(record, attempt)

    def _succeeded(self, record: NodeRecord, attempt: Succeeded, kind: Literal[2, 16]) -> None:
        """``kind`` is that of the entry in the journal."""
        if self._is_real_time:
            self._state.update_clock()
        run, flow_run = record.run, record.flow_run
        result, record.stored = attempt
        record.finished_at = now = self._agenda.now
        task = self._tasks[run.name]
        storage = self._stand_ins.get(task.storage) if record.stored else None
        if result is None:
            pass
        elif attempt.__class__ is Played:
            record.result = result
        elif storage is None:
            record.result = _snapshot_anyway(result)
        else:
            record.result = storage.results[flow_run.flow.name, task.storage_task_name, run.id]
        if run.flow_attempt != flow_run.machine.attempt or flow_run.outcome is not None:
            record.abandoned = record.abandoned or is_abandoned(record)
        self._record((kind, now, record, storage is None))
        if self._observer is not None:  # before the flow takes notice, which may be its own end
            self._observer("ended", record)
        self._advance(flow_run, on.NodeSucceeded(run.number))

    def _retry(self, record: NodeRecord, attempt: RetryLater) -> None:
        if self._is_real_time:
            self._state.update_clock()
        now = self._agenda.now
        if attempt.error is not None:
            record.retries += 1
        about = (record.attempts, attempt.error, attempt.countdown, record.retries)
        self._record((trace_entries.RETRIED, now, record, *about))
        self._state.steps.count(record)
        record.attempted_at = now
        self._recorder.observe("retrying", record)
        self._agenda.add(attempt.countdown, RunTask(self, record))

    def _failed(self, record: NodeRecord, attempt: Failed) -> None:
        if self._is_real_time:
            self._state.update_clock()
        now = self._agenda.now
        record.error = attempt.error
        record.finished_at = now
        record.abandoned = record.abandoned or is_abandoned(record)
        about = (record.attempts, attempt.error, record.retries)
        self._record((trace_entries.FAILED, now, record, *about))
        self._recorder.observe("ended", record)
        self._advance(record.flow_run, on.NodeFailed(record.run.number))


class BeginWait(NamedTuple):
    """A task begins to wait for a signal."""

    tasks: TaskEffects
    record: NodeRecord

    def is_obsolete(self) -> bool:
        """A task waits even when its flow is over: it was started."""
        return False

    def run(self) -> None:
        """Let it wait."""
        self.tasks.wait(self.record)


class RunTask(NamedTuple):
    """The next attempt of a task begins."""

    tasks: TaskEffects
    record: NodeRecord

    def is_obsolete(self) -> bool:
        """A task runs even when its flow is over: it was started."""
        return False

    def run(self) -> None:
        """Run the attempt."""
        self.tasks.run(self.record)


def _snapshot_anyway(result: Any) -> Any:
    """A snapshot even of what JSON cannot hold: no stand-in stores it, but the report shows it."""
    if result.__class__ is NotJson:
        return result
    try:
        return snapshot(result)
    except (TypeError, ValueError, RecursionError):
        return NotJson(jsonable(result), describe_json_error(result))
