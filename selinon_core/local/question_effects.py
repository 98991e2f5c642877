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
        self._agenda = state.agenda
        self._record = state.recorder.record
        self._inbox = state.inbox
        self._lookup = state.lookup
        self._answers = LocalAnswers(state, prepared)

    def ask(self, record: FlowRecord, question: do.Question) -> None:
        """Answer a question; user code may run for it."""
        self._take_answer(record, question, self._answers.answer(record, question, self._lookup))

    def ask_again(self, record: FlowRecord, effect: do.AskAgain) -> None:
        """Ask once more after a pause, or fail the flow when that was done too often."""
        state = self._state
        state.steps.count(record, effect.asked)
        question = effect.asked
        if effect.deferrals >= MOST_DEFERRALS:
            failed = on.QuestionFailed(
                question.question, put_off_too_often(record.flow, question, effect.deferrals, effect.reason)
            )
            self._take_answer(record, question, failed)
            return
        self._record((trace_entries.DEFERRED, self._agenda.now, record, question, effect.delay))
        self._agenda.add(effect.delay, AskDeferred(self, record, question))

    def _take_answer(self, record: FlowRecord, question: do.Question, answer: on.Event) -> None:
        entry = trace_entries.of_answer(question, answer)
        if entry is not None:
            self._record((entry[0], self._agenda.now, record, *entry[1:]))
        self._inbox.append((record, answer))


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
