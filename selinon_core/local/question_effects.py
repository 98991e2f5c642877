"""Questions of local flow runs: asked at once, and again after a pause where a storage cannot be read."""

from __future__ import annotations

from typing import NamedTuple

from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.local.answers import LocalAnswers
from selinon_core.local.driver_state import DriverState
from selinon_core.local.run_setup import RunSetup
from selinon_core.runtime.trace import entries as trace_entries
from selinon_core.runtime.trace.run_records import FlowRecord
from selinon_core.runtime.where_asked import put_off_too_often

#: Locally a flow fails when one decision was put off this often.
MOST_DEFERRALS = 10


class QuestionEffects:
    """Performs the effects that ask something."""

    def __init__(self, state: DriverState, prepared: RunSetup) -> None:
        self._state = state
        self._answers = LocalAnswers(state, prepared)

    def ask(self, record: FlowRecord, question: do.Question) -> None:
        """Answer a question; user code may run for it."""
        answer = self._answers.answer(record, question)
        self._record_answer(record, question, answer)
        self._state.inbox.append((record, answer))

    def ask_again(self, record: FlowRecord, effect: do.AskAgain) -> None:
        """Ask once more after a pause, or fail the flow when that was done too often."""
        state = self._state
        state.steps.count(record, effect.asked)
        question = effect.asked
        if effect.deferrals >= MOST_DEFERRALS:
            failed = on.QuestionFailed(
                question.question, put_off_too_often(record.flow, question, effect.deferrals, effect.reason)
            )
            self._record_answer(record, question, failed)
            state.inbox.append((record, failed))
            return
        state.recorder.record((trace_entries.DEFERRED, state.agenda.now, record, question, effect.delay))
        state.agenda.add(effect.delay, AskDeferred(self, record, question))

    def _record_answer(self, record: FlowRecord, question: do.Question, answer: on.Event) -> None:
        entry = trace_entries.of_answer(question, answer)
        if entry is not None:
            self._state.recorder.record((entry[0], self._state.agenda.now, record, *entry[1:]))


class AskDeferred(NamedTuple):
    """A question that was put off is asked again."""

    questions: QuestionEffects
    record: FlowRecord
    question: do.Question

    def is_obsolete(self) -> bool:
        """Whether the flow is over."""
        return self.record.outcome is not None

    def run(self) -> None:
        """Ask it, unless the flow does not want to know any more."""
        if self.record.outcome is None and self.question in self.record.machine.open_questions:
            self.questions.ask(self.record, self.question)
