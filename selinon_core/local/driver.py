"""The in-process driver: performs the effects of flow runs, on virtual time and by default one task at a time.

Steps wait on the ``Agenda``; events for machines wait in ``_inbox`` and are handed over before anything else
happens, so that a machine is never advanced while another one (or itself) is being advanced.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from selinon_core.dispatch import FlowRun, NodeRun, SelectiveRun
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.errors import FlowError, FlowTimeout
from selinon_core.local.attempts import Attempts
from selinon_core.local.event_queue import EventQueue, Step
from selinon_core.local.gc_freezer import EVERY, GcFreezer
from selinon_core.local.mocked_storage import LocalStorages
from selinon_core.local.options import LocalOptions
from selinon_core.local.run_index import RunIndex
from selinon_core.local.run_setup import RunSetup
from selinon_core.local.step_limit import StepLimitExceeded, describe_endless, describe_fan_out
from selinon_core.runtime.ids import id_maker, random_flow_id, seeded_flow_id
from selinon_core.runtime.json_values import NotJson, copy_json, describe_json_error, snapshot
from selinon_core.runtime.question_answerer import QuestionAnswerer, put_off_too_often, where_asked
from selinon_core.runtime.task_runner import Attempt, Failed, RetryLater, Succeeded
from selinon_core.runtime.trace import entries as trace_entries
from selinon_core.runtime.trace.run_records import FlowRecord, NodeRecord
from selinon_core.runtime.trace.tracer import Tracer, configured_sinks, jsonable

#: Locally a flow fails when one decision was put off this often.
MOST_DEFERRALS = 10
LEAST_STEP_LIMIT = 100_000


class Driver:
    """One local run. Built for it and thrown away afterwards: no state is shared between runs."""

    def __init__(self, prepared: RunSetup, options: LocalOptions) -> None:
        plan = prepared.plan
        self.plan = plan
        self.options = options
        self.agenda = EventQueue(options.seed or 0)
        self.flows: list[FlowRecord] = []
        self.nodes: list[NodeRecord] = []
        #: by id: flows that have not ended, and sub-flows that have not begun
        self._open_flows: dict[str, FlowRecord] = {}
        self._scheduled_flows: dict[str, NodeRecord] = {}
        self.journal: list[trace_entries.Entry] = []
        self.warnings: list[str] = []
        self.steps = 0
        self._collector = GcFreezer()
        self._tables = prepared.tables
        self._inbox: deque[tuple[FlowRecord, on.Event]] = deque()
        self._next_start: dict[str, float] = {}
        self.imports = prepared.imports
        real = frozenset(plan.storages) if options.storage == "real" else options.real_storages
        self.storages = LocalStorages(plan, self.imports, self.tell, self._told_read, real, prepared.directory)
        if options.storages is not None and options.storage == "real":
            self.storages.share(options.storages)
        self.lookup = RunIndex(self.nodes, self.storages)
        self._attempts = Attempts(
            prepared, options, self.agenda, self.storages, self.lookup, self.tell, self._attempt_ended
        )
        self._answers = QuestionAnswerer(
            plan,
            self.imports,
            prepared.conditions,
            self.storages,
        )
        self._telling = threading.RLock()
        self._waiting: deque[NodeRecord] = deque()
        limit = 10 * sum(len(edge.destinations) for flow in plan.flows.values() for edge in flow.edges)
        self._most_steps = options.max_steps or max(LEAST_STEP_LIMIT, limit)
        entries = prepared.trace_entries(options, self.storages.stands_in, self.warnings.append)
        configured = configured_sinks(entries, self.imports, self.storages.connected)
        self._tracer = Tracer([*configured, *options.sinks])
        self._is_heard = bool(self._tracer.sinks) or options.listener is not None
        self._record: Callable[[trace_entries.Entry], None] = (
            self._record_and_emit if self._is_heard else self.journal.append
        )
        self._real_time = options.time == "real"
        self._began = time.monotonic()
        self._interrupted = False

    # -- the run ----------------------------------------------------------------------------------------------

    def run(self, flow_name: str, node_args: Any, selective: SelectiveRun | None) -> FlowRecord:
        """Run a flow until nothing is due any more and return its record.

        Raises ``StepLimitExceeded``; ``KeyboardInterrupt`` passes through.
        """
        self.lookup.preload(self.options.reuse or {}, self.plan.tasks)
        mocked = self.options.storage == "mocked" and not self.options.real_storages
        seeded = mocked or self.options.seed is not None
        id = seeded_flow_id(self.options.seed or 0, flow_name) if seeded else random_flow_id()
        root = self._begin_flow(flow_name, id, copy_json(node_args), {}, None, selective, None, None)
        try:
            with self._collector:
                self._work()
        finally:
            self._attempts.close()
            self.storages.close()
        return root

    def interrupt(self) -> None:
        """Let a run in another thread end before its next step."""
        self._interrupted = True

    def _work(self) -> None:
        inbox, agenda, attempts, real_time = self._inbox, self.agenda, self._attempts, self._real_time
        while True:
            if self._interrupted:
                raise KeyboardInterrupt
            while inbox:
                record, event = inbox.popleft()
                self._advance(record, event)
            if real_time:
                self._look_at_clock()
            step = agenda.take_due()
            if step is not None:
                step[0](step[1])
                continue
            if self._waiting and not attempts.is_full():
                agenda.add(0, self._run_task, self._waiting.popleft())
                continue
            agenda.drop_while(_is_of_no_use)
            next_time = agenda.next_time()
            patience = None
            if real_time and next_time is not None:
                patience = max(0.0, self._began + next_time - time.monotonic())
            if attempts.running:
                attempts.wait(patience)
            elif next_time is None:
                return
            else:
                if patience:
                    time.sleep(patience)
                agenda.now = max(agenda.now, next_time)

    def _look_at_clock(self) -> None:
        self.agenda.now = max(self.agenda.now, time.monotonic() - self._began)

    def _advance(self, record: FlowRecord, event: on.Event) -> None:
        for effect in record.machine.advance(event):
            _PERFORM[effect.__class__](self, record, effect)

    # -- flows ------------------------------------------------------------------------------------------------

    def _begin_flow(
        self,
        name: str,
        id: str,
        args: Any,
        parent: dict[str, Any],
        failures: dict[str, Any] | None,
        selective: SelectiveRun | None,
        parent_run: FlowRecord | None,
        node: NodeRecord | None,
    ) -> FlowRecord:
        machine = FlowRun(self._tables[name], id_maker(id), self.plan.settings.on_unreached)
        flow = self.plan.flows[name]
        record = FlowRecord(flow, id, machine, args, parent, failures, selective, parent_run, node)
        self.flows.append(record)
        self._open_flows[id] = record
        self._record((trace_entries.FLOW_STARTED, self.agenda.now, record))
        if flow.timeout is not None:
            self.agenda.add(flow.timeout, self._deadline, record)
        self._inbox.append((record, on.FlowStarted(args, parent, failures, selective)))
        return record

    def _deadline(self, record: FlowRecord) -> None:
        self._inbox.append((record, on.DeadlinePassed()))

    def _start_flow(self, parent_run: FlowRecord, effect: do.StartFlow) -> None:
        node = self._new_node(effect.node_run, parent_run, effect.parent)
        throttling = self.plan.flows[effect.node_run.name].throttling
        delay = self._throttled(effect.node_run.name, throttling) if throttling else 0.0
        self._record((trace_entries.SCHEDULED, self.agenda.now, node, delay))
        self._scheduled_flows[effect.node_run.id] = node
        self.agenda.add(delay, self._run_flow, (node, effect))

    def _run_flow(self, item: tuple[NodeRecord, do.StartFlow]) -> None:
        node, effect = item
        if node.finished_at is not None:  # cancelled before it began
            return
        run = effect.node_run
        del self._scheduled_flows[run.id]
        node.started_at = self.agenda.now
        node.attempts = 1
        self._observe("started", node)
        self._begin_flow(
            run.name, run.id, run.args, effect.parent, run.failures, effect.selective, node.flow_run, node
        )

    def _finish_flow(self, record: FlowRecord, effect: do.FinishFlow) -> None:
        outcome = effect.outcome
        record.outcome = outcome
        del self._open_flows[record.id]
        record.ended_at = now = self.agenda.now
        node = record.node
        if node is not None:
            node.finished_at = now
            node.attempts = record.machine.attempt
            node.abandoned = self._is_abandoned(node)
            if not outcome.succeeded:
                node.error = (FlowTimeout if outcome.timed_out else FlowError)(outcome.state)
            assert record.parent_run is not None
            number = node.run.number
            event = on.NodeSucceeded if outcome.succeeded else on.NodeFailed
            self._inbox.append((record.parent_run, event(number, outcome)))
            self._observe("ended", node)
        self._record((trace_entries.FLOW_ENDED, now, record, outcome))

    def _schedule_retry(self, record: FlowRecord, effect: do.ScheduleRetry) -> None:
        self._record((trace_entries.FLOW_RETRIED, self.agenda.now, record, effect.outcome, effect.delay))
        self._count_step(record)
        self.agenda.add(effect.delay, self._retry_flow, record)

    def _retry_flow(self, record: FlowRecord) -> None:
        if record.outcome is None:
            self._record((trace_entries.ATTEMPT_STARTED, self.agenda.now, record))
        self._inbox.append((record, on.RetryDue()))

    def _cancel_flows(self, record: FlowRecord, effect: do.CancelFlows) -> None:
        for run in effect.runs:
            flow = self._open_flows.get(run.id)
            if flow is not None:
                self._record((trace_entries.FLOW_CANCELLED, self.agenda.now, flow))
                self._inbox.append((flow, on.FlowCancelled()))
                continue
            node = self._scheduled_flows.pop(run.id, None)
            if node is not None:  # throttled, it did not begin yet
                node.finished_at = self.agenda.now
                node.abandoned = True
                run.status = "failure"

    # -- nodes ------------------------------------------------------------------------------------------------

    def _new_node(self, run: NodeRun, flow_run: FlowRecord, parent: dict[str, Any] | None) -> NodeRecord:
        record = NodeRecord(run, flow_run, parent)
        self.nodes.append(record)
        self._count_step(record)
        if self.options.observer is not None:
            self.options.observer("scheduled", record)
        return record

    def _count_step(self, record: NodeRecord | FlowRecord, question: do.Question | None = None) -> None:
        """Count a node run, a further attempt of a task or flow, or a deferral (of ``question``)."""
        self.steps += 1
        if not self.steps % EVERY:
            self._collector.grown()
        if self.steps > self._most_steps:
            where = (
                None if question is None or isinstance(record, NodeRecord) else where_asked(record.flow, question)
            )
            raise StepLimitExceeded(describe_endless(self.plan, self._most_steps, record, where))

    def _check_steps_ahead(self, record: FlowRecord, question: do.Question, items: int) -> None:
        """Stop before a fan-out that takes more steps than are left is started, not in the midst of it."""
        assert isinstance(question, do.AskForeach)
        edge = question.edge
        if record.selective is None and self.steps + items * len(edge.destinations) > self._most_steps:
            raise StepLimitExceeded(describe_fan_out(self._most_steps, where_asked(record.flow, question), items))

    def _throttled(self, name: str, least_distance: float) -> float:
        """Seconds until a throttled node may start; starts are exactly ``least_distance`` apart."""
        now = self.agenda.now
        start = max(now, self._next_start.get(name, now))
        self._next_start[name] = start + least_distance
        return start - now

    def _start_task(self, flow_run: FlowRecord, effect: do.StartTask) -> None:
        record = self._new_node(effect.node_run, flow_run, effect.parent)
        throttling = self.plan.tasks[effect.node_run.name].throttling
        delay = self._throttled(effect.node_run.name, throttling) if throttling else 0.0
        now = self.agenda.now
        self._record(
            (trace_entries.SCHEDULED, now, record, delay) if delay else (trace_entries.SCHEDULED, now, record)
        )
        self.agenda.add(delay, self._run_task, record)

    def _run_task(self, record: NodeRecord) -> None:
        """Run the next attempt of a task, here or at the side, or play its mock."""
        task = self.plan.tasks[record.run.name]
        plain = self._attempts.plain and task.timeout is None
        if not plain and self._attempts.is_full():
            self._waiting.append(record)
            return
        now = self.agenda.now
        if record.started_at is None:
            record.started_at = now
        record.attempts += 1
        if self.options.observer is not None:
            self.options.observer("started", record)
        if not plain or self._is_heard:
            self._record((trace_entries.STARTED, now, record, record.attempts))
            self._attempts.begin(record, task)
            return
        entries = len(self.journal)
        attempt = self._attempts.run(record, task)
        if attempt.__class__ is not Succeeded or len(self.journal) > entries:
            # Something else is to be told between the beginning and the end.
            self.journal.insert(entries, (trace_entries.STARTED, now, record, record.attempts))
            self._attempt_ended(record, attempt)
        else:
            self._attempt_ended(record, attempt, trace_entries.RAN)

    def _attempt_ended(self, record: NodeRecord, attempt: Attempt, success: int = trace_entries.SUCCEEDED) -> None:
        if self._real_time:
            self._look_at_clock()
        now = self.agenda.now
        run = record.run
        if attempt.__class__ is Succeeded:
            result, record.stored = attempt
            record.finished_at = now
            mocked = record.stored and self.storages.is_mocked(run.name)
            if result is None:
                pass
            elif mocked:
                record.result = self.storages.kept(record.flow_run.flow.name, run.name, run.id)
            else:
                record.result = _snapshot_anyway(result)
            if run.flow_attempt != record.flow_run.machine.attempt or record.flow_run.outcome is not None:
                record.abandoned = record.abandoned or self._is_abandoned(record)
            self._record((success, now, record) if mocked else (success, now, record, True))
            event: on.NodeSucceeded | on.NodeFailed = on.NodeSucceeded(run.number)
        elif isinstance(attempt, RetryLater):
            if attempt.error is not None:
                record.retries += 1
            told = (record.attempts, attempt.error, attempt.countdown, record.retries)
            self._record((trace_entries.RETRIED, now, record, *told))
            self._count_step(record)
            record.attempted_at = now
            self._observe("retrying", record)
            self.agenda.add(attempt.countdown, self._run_task, record)
            return
        else:
            assert isinstance(attempt, Failed)
            record.error = attempt.error
            record.finished_at = now
            record.abandoned = record.abandoned or self._is_abandoned(record)
            self._record((trace_entries.FAILED, now, record, record.attempts, attempt.error, record.retries))
            event = on.NodeFailed(run.number)
        if self.options.observer is not None:  # before the flow takes notice, which may be its own end
            self.options.observer("ended", record)
        self._advance(record.flow_run, event)

    def _is_abandoned(self, record: NodeRecord) -> bool:
        """Whether the flow waited for this run once, and does not any more."""
        flow_run = record.flow_run
        if record.run.name in flow_run.flow.nowait:
            return False
        return flow_run.outcome is not None or record.run.flow_attempt != flow_run.machine.attempt

    # -- questions --------------------------------------------------------------------------------------------

    def _ask(self, record: FlowRecord, question: do.Question) -> None:
        answer = self._answers.answer(record.flow, record.parent, question, self.lookup)
        if isinstance(answer, on.ForeachAnswered):
            self._check_steps_ahead(record, question, len(answer.items or ()))
        self._record_answer(record, question, answer)
        self._inbox.append((record, answer))

    def _record_answer(self, record: FlowRecord, question: do.Question, answer: on.Event) -> None:
        entry = trace_entries.of_answer(question, answer)
        if entry is not None:
            self._record((entry[0], self.agenda.now, record, *entry[1:]))

    def _ask_again(self, record: FlowRecord, effect: do.AskAgain) -> None:
        self._count_step(record, effect.asked)
        question = effect.asked
        if effect.deferrals >= MOST_DEFERRALS:
            failed = on.QuestionFailed(
                question.question, put_off_too_often(record.flow, question, effect.deferrals, effect.reason)
            )
            self._record_answer(record, question, failed)
            self._inbox.append((record, failed))
            return
        self._record((trace_entries.DEFERRED, self.agenda.now, record, question, effect.delay))
        self.agenda.add(effect.delay, self._ask_deferred, (record, question))

    def _ask_deferred(self, item: tuple[FlowRecord, do.Question]) -> None:
        record, question = item
        if record.outcome is None and question in record.machine.open_questions:
            self._ask(record, question)

    def _note(self, record: FlowRecord, note: do.TraceNote) -> None:
        self._record((trace_entries.NOTE, self.agenda.now, record, note))

    def _reuse_node(self, flow_run: FlowRecord, effect: do.ReuseNode) -> None:
        run = effect.node_run
        record = self._new_node(run, flow_run, None)
        record.started_at = record.finished_at = self.agenda.now
        task = self.plan.tasks[run.name]
        if task.storage is not None:
            try:
                flow_name = self.lookup.locate(run.id) or flow_run.flow.name
                record.result = snapshot(self.storages.retrieve(flow_name, run.name, run.id))
            except Exception as error:
                self.warnings.append(f"the result of {run.name} to be reused cannot be read: {error}")
        self._observe("ended", record)
        self._record((trace_entries.REUSED, self.agenda.now, flow_run, run))

    # -- telling ----------------------------------------------------------------------------------------------

    def tell(self, event: str, details: dict[str, Any]) -> None:
        """Record an event that storages, or tasks, tell of."""
        self._record((trace_entries.TOLD, self.agenda.now, event, details))

    def _told_read(self, flow_name: str, task_name: str, task_id: str) -> None:
        self._record((trace_entries.READ, self.agenda.now, flow_name, task_name, task_id))

    def _record_and_emit(self, entry: trace_entries.Entry) -> None:
        with self._telling:  # tasks in threads tell of their storages
            self._emit(entry)

    def _emit(self, entry: trace_entries.Entry) -> None:
        self.journal.append(entry)
        for event in trace_entries.expand(self.plan, entry, self.lookup.flow_run_of):
            if self.options.listener is not None:
                self.options.listener(event)
            self._tracer.emit(event.event, event.details)

    def _observe(self, what: str, record: NodeRecord | FlowRecord) -> None:
        if self.options.observer is not None:
            self.options.observer(what, record)


def _is_of_no_use(step: Step) -> bool:
    """Whether a step would do nothing: it is about a flow that is over, or was cancelled before it began."""
    function, argument = step
    name = getattr(function, "__name__", "")
    if name == "_run_flow":
        node: NodeRecord = argument[0]
        return node.finished_at is not None
    if name == "_ask_deferred":
        argument = argument[0]
    elif name not in ("_deadline", "_retry_flow"):
        return False
    return argument.outcome is not None


def _snapshot_anyway(result: Any) -> Any:
    """A snapshot even of what JSON cannot hold: no stand-in stores it, but the report shows it."""
    if result.__class__ is NotJson:
        return result
    try:
        return snapshot(result)
    except (TypeError, ValueError, RecursionError):
        return NotJson(jsonable(result), describe_json_error(result))


_PERFORM: dict[type[Any], Callable[[Driver, FlowRecord, Any], None]] = {
    do.StartTask: Driver._start_task,
    do.StartFlow: Driver._start_flow,
    do.AskCondition: Driver._ask,
    do.AskFallbackCondition: Driver._ask,
    do.AskForeach: Driver._ask,
    do.AskReuse: Driver._ask,
    do.AskArguments: Driver._ask,
    do.AskAgain: Driver._ask_again,
    do.ScheduleRetry: Driver._schedule_retry,
    do.FinishFlow: Driver._finish_flow,
    do.CancelFlows: Driver._cancel_flows,
    do.ReuseNode: Driver._reuse_node,
    do.TraceNote: Driver._note,
}
