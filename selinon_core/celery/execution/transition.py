"""One step of a flow run: events go into the machine, out comes a commit. Nothing outside is changed here.

Questions are answered on the spot (this is where predicates and foreach functions run) and their answers become
events of the same step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from selinon_core.celery.execution.run_cache import CachedRun
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import encode_event
from selinon_core.errors import UnexpectedEvent
from selinon_core.plan import Plan
from selinon_core.runtime.question_answerer import put_off_too_often
from selinon_core.runtime.trace import entries as trace_entries

StartEffect = do.StartTask | do.StartFlow


class QuestionHandler(NamedTuple):
    """Who answers questions: ``answer(run, question)``, and the limit on deferrals (None: none)."""

    answer: Callable[[CachedRun, do.Question], on.Event]
    max_deferrals: int | None


class Transition:
    """Collects what a commit will hold. ``launches`` maps outbox keys (``t12``, ``f7``) to their effects."""

    def __init__(self, plan: Plan, run: CachedRun, now: float, asker: QuestionHandler) -> None:
        self._plan = plan
        self._questions = asker
        self.run = run
        self.now = now
        self.events: list[str] = []
        self.start_effects: dict[str, StartEffect] = {}
        self.throttled: list[tuple[str, str, float]] = []
        self.outbox: list[str] = []
        self.timers: dict[str, float] = {}
        self.cancelled_timers: list[str] = []
        self.fields: dict[str, str] = {}
        self.trace: list[tuple[Any, ...]] = []
        self.problems: list[str] = []
        self._queue: deque[on.Event] = deque()

    @property
    def ended(self) -> bool:
        """Whether the run is over after this step."""
        return self.run.machine.ended

    def feed(self, event: on.Event) -> None:
        """Take an event and everything that follows from it."""
        self._queue.append(event)
        machine = self.run.machine
        while self._queue:
            event = self._queue.popleft()
            try:
                effects = machine.advance(event)
            except UnexpectedEvent as error:
                self.problems.append(f"{encode_event(event)[:200]}: {error}")
                continue
            self.events.append(encode_event(event))
            for effect in effects:
                _PERFORM[effect.__class__](self, effect)

    def ask_again(self, question: int) -> None:
        """Ask an open question whose time has come."""
        for asked in self.run.machine.open_questions:
            if asked.question == question:
                self.feed(self._questions.answer(self.run, asked))
                return

    # -- effects ----------------------------------------------------------------------------------------------

    def _start(self, effect: StartEffect) -> None:
        run = effect.run
        if isinstance(effect, do.StartTask):
            key, throttling = f"t{run.number}", self._plan.tasks[run.name].throttling
        else:
            key, throttling = f"f{run.number}", self._plan.flows[run.name].throttling
        self.start_effects[key] = effect
        if throttling:
            self.throttled.append((key, run.name, throttling))
        else:
            self.outbox.append(key)

    def _ask(self, question: do.Question) -> None:
        self._queue.append(self._questions.answer(self.run, question))

    def _ask_again(self, effect: do.AskAgain) -> None:
        number = effect.asked.question
        most = self._questions.max_deferrals
        if most is not None and effect.deferrals >= most:
            text = put_off_too_often(self.run.flow, effect.asked, most, effect.reason)
            self._queue.append(on.QuestionFailed(number, text))
            return
        self.timers[f"q{number}"] = self.now + effect.delay
        self.trace.append((trace_entries.DEFERRED, effect.asked, effect.delay))

    def _retry(self, effect: do.ScheduleRetry) -> None:
        self.trace.append((trace_entries.FLOW_RETRIED, effect.outcome, effect.delay))
        if effect.delay > 0:
            self.timers["retry"] = self.now + effect.delay
        else:
            self._queue.append(on.RetryDue())

    def _finish(self, effect: do.FinishFlow) -> None:
        if self.run.caller is not None:
            self.outbox.append("p")
        self.outbox.append("r")
        self.trace.append((trace_entries.FLOW_ENDED, effect.outcome))

    def _cancel(self, effect: do.CancelFlows) -> None:
        self.outbox.extend(f"c{run.number}" for run in effect.runs)

    def _reuse(self, effect: do.ReuseNode) -> None:
        self.trace.append((trace_entries.REUSED, effect.run))

    def _note(self, effect: do.TraceNote) -> None:
        self.trace.append((trace_entries.NOTE, effect))


_PERFORM: dict[type[Any], Callable[[Transition, Any], None]] = {
    do.StartTask: Transition._start,
    do.StartFlow: Transition._start,
    do.AskCondition: Transition._ask,
    do.AskFallbackCondition: Transition._ask,
    do.AskForeach: Transition._ask,
    do.AskReuse: Transition._ask,
    do.AskArguments: Transition._ask,
    do.AskAgain: Transition._ask_again,
    do.ScheduleRetry: Transition._retry,
    do.FinishFlow: Transition._finish,
    do.CancelFlows: Transition._cancel,
    do.ReuseNode: Transition._reuse,
    do.TraceNote: Transition._note,
}
