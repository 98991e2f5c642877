"""One transition of a flow run: feeds events to the dispatch machine, collects what has to be committed.

Writes nothing.

Questions are answered at once (predicates and foreach functions run here), and their answers become events of
the same transition.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from selinon_core.celery.execution.early_signals import bound
from selinon_core.celery.execution.inbox_codec import InboxEntry, Pausing, Resumed
from selinon_core.celery.execution.lease_renewer import LeaseRenewer
from selinon_core.celery.execution.notices import FAILURE, listeners
from selinon_core.celery.execution.retention import status_of
from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.celery.execution.wait_endings import is_wait, open_waits
from selinon_core.celery.stores import outbox_keys as keys
from selinon_core.celery.stores.outbox_keys import OutboxKey, TimerKey
from selinon_core.celery.transport.message_builder import StartEffect
from selinon_core.dispatch import FlowOutcome, NodeRun
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import WAITS_FORMAT, encode_event
from selinon_core.errors import ArgumentError, UnexpectedEvent
from selinon_core.plan import Plan
from selinon_core.runtime.error_codec import encode_error
from selinon_core.runtime.trace import entries as trace_entries
from selinon_core.runtime.where_asked import put_off_too_often

#: Seconds by which an end may be earlier than the batch that has it, without a time of its own in the log.
SAME_MOMENT = 0.01

#: The ends of node runs.
NODE_ENDS = (on.NodeSucceeded, on.NodeFailed)

#: ``answer(run, question, results)``; ``results`` has those of tasks without storage, by task id.
Answer = Callable[[CachedRun, do.Question, Mapping[str, Any]], on.Event]


class Problem(NamedTuple):
    """A problem: the name of a trace event and a sentence."""

    event: str
    what: str


class Throttled(NamedTuple):
    """A start that has to keep a distance, in seconds, from the last one of that name."""

    key: OutboxKey
    name: str
    distance: float


class QuestionHandler:
    """Answers questions while the leases of this process are renewed; ``max_deferrals`` None: no limit."""

    def __init__(self, answer: Answer, leases: LeaseRenewer, max_deferrals: int | None) -> None:
        self._answer = answer
        self._leases = leases
        self.max_deferrals = max_deferrals

    def answer(self, run: CachedRun, question: do.Question, results: Mapping[str, Any]) -> on.Event:
        """The event that answers a question; user code may run for it."""
        with self._leases.user_code(run.id):
            return self._answer(run, question, results)


class Transition:
    """Collects the contents of a commit.

    ``start_effects`` has the effects of the starts, ``throttled`` those that are not in ``outbox`` yet.
    ``trace`` are trace entries without time and record. ``outcome`` is set when the run ended in this
    transition. ``errors`` has the errors of node runs that failed without being started, as text by their ids.
    ``new_attempt``: an attempt of the flow that is not its first began.
    """

    def __init__(self, plan: Plan, run: CachedRun, now: float, questions: QuestionHandler) -> None:
        self._plan = plan
        self._questions = questions
        self.run = run
        self.now = now
        self.events: list[str] = []
        self.start_effects: dict[OutboxKey, StartEffect] = {}
        self.throttled: list[Throttled] = []
        self.outbox: list[OutboxKey] = []
        self.timers: dict[TimerKey, float] = {}
        self.cancelled_timers: list[TimerKey] = []
        self.fields: dict[str, str] = {}
        self.trace: list[tuple[Any, ...]] = []
        self.problems: list[Problem] = []
        self.errors: dict[str, str] = {}
        self.outcome: FlowOutcome | None = None
        self.new_attempt = False
        #: The starts of tasks that wait for a signal.
        self.waiting: list[do.StartTask] = []
        #: What waited before, in a run in which a task has waited.
        self._waited = self._waiting_now() if run.header.format >= WAITS_FORMAT else frozenset()
        self._queue: deque[on.Event] = deque()
        self._results: dict[str, Any] = {}

    @property
    def ended(self) -> bool:
        """Whether the run is over after this transition."""
        return self.run.machine.ended

    def feed_entry(self, entry: InboxEntry) -> None:
        """Feed an inbox entry: an event, perhaps with the result of a task without storage."""
        event = entry.event
        if isinstance(event, Resumed):
            self._note_resumed(event)
            return
        if isinstance(event, Pausing):
            return  # the run is not paused any more, or not yet
        if isinstance(event, on.FlowCancelled) and not self.ended:
            self.trace.append((trace_entries.FLOW_CANCELLED,))
        if entry.results and isinstance(event, on.NodeSucceeded):
            self._results[self.run.machine.make_id(event.number)] = entry.results[0]
        self.feed(event)
        self._results.clear()

    def _note_resumed(self, resumed: Resumed) -> None:
        """The run is not paused; a request to pause it that was overtaken by this one does not count any more."""
        run = self.run
        if resumed.number > run.header.paused:
            run.header = run.header._replace(paused=resumed.number)
            self.fields["paused"] = str(resumed.number)

    def queue(self, event: on.Event) -> None:
        """Feed this before the next event that is fed, so that it is taken before the answers to this one."""
        self._queue.append(event)

    def feed_queued(self) -> None:
        """Feed what is queued."""
        self._advance()

    def feed(self, event: on.Event) -> None:
        """Feed an event, and perform what follows from it."""
        self._queue.append(event)
        self._advance()

    def _advance(self) -> None:
        machine = self.run.machine
        while self._queue:
            event = self._queue.popleft()
            if isinstance(event, NODE_ENDS):
                self._forget_reminder(event.number)
            begins_attempt = machine.phase == "waiting" and isinstance(event, on.RetryDue)
            try:
                effects = machine.advance(event)
            except UnexpectedEvent as error:
                self.problems.append(Problem("DISPATCHER_FAILURE", f"{encode_event(event)[:200]}: {error}"))
                continue
            if isinstance(event, NODE_ENDS) and self.now - event.ended < SAME_MOMENT:
                event.ended = 0.0  # the time of the batch says it
            self.events.append(encode_event(event))
            if begins_attempt:
                self.trace.append((trace_entries.ATTEMPT_STARTED,))
                self.new_attempt = True
            for effect in effects:
                _PERFORM[effect.__class__](self, effect)

    def _forget_reminder(self, number: int) -> None:
        """A node run ends that may have got the place of its limit before it had the timer of its message."""
        run = self.run.machine.run_of(number)
        task = None if run is None else self._plan.tasks.get(run.name)
        if task is not None and task.limit is not None:
            self.cancelled_timers.append(TimerKey(keys.SEND_TASK, number))

    def show_waits(self) -> None:
        """Before the commit: put it into the outbox that the rows of waits change, if they do."""
        key = OutboxKey(keys.SHOW_WAITS)
        has_waited = self.run.header.format >= WAITS_FORMAT
        # An ended run may have rows of waits that the files of this worker do not have.
        ends = self.run.machine.ended and bool(self.events)
        changed = has_waited and (ends or self._waiting_now() != self._waited)
        if changed and key not in self.outbox:
            self.outbox.append(key)

    def _waiting_now(self) -> frozenset[int]:
        return frozenset(node.number for node in open_waits(self._plan, self.run.machine))

    def wait_for(self, node: NodeRun) -> None:
        """A task begins to wait, or waits again: set its time-out, and bind a signal that was kept for it."""
        wait = self._plan.tasks[node.name].wait
        assert wait is not None
        if wait.timeout is not None:
            self.timers[TimerKey(keys.WAIT_ENDS, node.number)] = self.now + wait.timeout
        header = self.run.header
        if header.format < WAITS_FORMAT:
            header = header._replace(format=WAITS_FORMAT)
            self.fields["format"] = str(WAITS_FORMAT)
        early = bound(header.early, node.name, node.number) if header.early else ""
        if early != header.early:
            header = header._replace(early=early)
            self.fields["early"] = early
        self.run.header = header
        key = OutboxKey(keys.SHOW_WAITS)
        if key not in self.outbox:
            self.outbox.append(key)

    def ask_again(self, question: int) -> None:
        """Ask an open question whose time has come."""
        for asked in self.run.machine.open_questions:
            if asked.question == question:
                self._ask(asked)
                self._advance()
                return

    # -- effects ----------------------------------------------------------------------------------------------

    def _start(self, effect: StartEffect) -> None:
        run = effect.node_run
        if isinstance(effect, do.StartTask):
            task = self._plan.tasks[run.name]
            if task.wait is not None:
                self.waiting.append(effect)
                self.wait_for(run)
                return
            key, throttling = OutboxKey(keys.START_TASK, run.number), task.throttling
        else:
            key, throttling = OutboxKey(keys.START_FLOW, run.number), self._plan.flows[run.name].throttling
        self.start_effects[key] = effect
        if throttling:
            self.throttled.append(Throttled(key, run.name, throttling))
        else:
            self.outbox.append(key)

    def _start_again(self, effect: do.StartAgain) -> None:
        """Put a start into the outbox. Its message is built when it is sent: the new record has its delivery."""
        node, plan = effect.node_run, self._plan
        if not node.is_flow and is_wait(plan.tasks.get(node.name)):
            self.wait_for(node)
            return
        key = OutboxKey(keys.START_FLOW if node.is_flow else keys.START_TASK, node.number)
        known = plan.flows.get(node.name) if node.is_flow else plan.tasks.get(node.name)
        if known is not None and known.throttling:
            self.throttled.append(Throttled(key, node.name, known.throttling))
        else:
            self.outbox.append(key)

    def _ask(self, question: do.Question) -> None:
        self._take_answer(question, self._questions.answer(self.run, question, self._results))

    def _take_answer(self, question: do.Question, answer: on.Event) -> None:
        entry = trace_entries.of_answer(question, answer)
        if entry is not None:
            self.trace.append(entry)
        self._queue.append(answer)

    def _ask_again(self, effect: do.AskAgain) -> None:
        question = effect.asked
        most = self._questions.max_deferrals
        if most is not None and effect.deferrals >= most:
            text = put_off_too_often(self.run.flow, question, most, effect.reason)
            self._take_answer(question, on.QuestionFailed(question.question, text))
            return
        self.timers[TimerKey(keys.ASK_AGAIN, question.question)] = self.now + effect.delay
        self.trace.append((trace_entries.DEFERRED, question, effect.delay))

    def _retry(self, effect: do.ScheduleRetry) -> None:
        self.trace.append((trace_entries.FLOW_RETRIED, effect.outcome, effect.delay))
        if effect.delay > 0:
            self.timers[TimerKey(keys.RETRY_FLOW)] = self.now + effect.delay
        else:
            self._queue.append(on.RetryDue())

    def _finish(self, effect: do.FinishFlow) -> None:
        self.outcome = effect.outcome
        if self.run.header.caller is not None:
            self.outbox.append(OutboxKey(keys.NOTIFY_PARENT))
        self.outbox.append(OutboxKey(keys.WRITE_RESULT))
        if status_of(effect.outcome) == "failure" and listeners(
            self._plan, FAILURE, self.run.flow.name, self.run.header.caller is not None
        ):
            self.outbox.append(OutboxKey(keys.TELL_FAILURE))
        self.trace.append((trace_entries.FLOW_ENDED, effect.outcome))

    def _cancel(self, effect: do.CancelFlows) -> None:
        self.outbox.extend(OutboxKey(keys.CANCEL_FLOW, run.number) for run in effect.runs)

    def _reuse(self, effect: do.ReuseNode) -> None:
        self.trace.append((trace_entries.REUSED, effect.node_run))

    def _refuse(self, effect: do.FailNode) -> None:
        node = effect.node_run
        self.errors[node.id] = encode_error(ArgumentError(node.refused))
        self.trace.append((trace_entries.REFUSED, node))

    def _note(self, effect: do.TraceNote) -> None:
        self.trace.append((trace_entries.NOTE, effect))


_PERFORM: dict[type[Any], Callable[[Transition, Any], None]] = {
    do.StartTask: Transition._start,
    do.StartFlow: Transition._start,
    do.StartAgain: Transition._start_again,
    do.AskCondition: Transition._ask,
    do.AskFallbackCondition: Transition._ask,
    do.AskForeach: Transition._ask,
    do.AskReuse: Transition._ask,
    do.AskRecorded: Transition._ask,
    do.AskFirstResult: Transition._ask,
    do.AskArgs: Transition._ask,
    do.AskOutput: Transition._ask,
    do.AskAgain: Transition._ask_again,
    do.ScheduleRetry: Transition._retry,
    do.FinishFlow: Transition._finish,
    do.CancelFlows: Transition._cancel,
    do.ReuseNode: Transition._reuse,
    do.FailNode: Transition._refuse,
    do.TraceNote: Transition._note,
}
