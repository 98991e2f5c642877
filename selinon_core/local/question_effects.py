"""Questions of local flow runs: asked at once, and again after a pause where a storage cannot be read."""

from __future__ import annotations

from typing import NamedTuple

from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.local.driver_state import DriverState
from selinon_core.local.run_setup import RunSetup
from selinon_core.local.stand_ins import ConditionKey
from selinon_core.plan import ImportRef
from selinon_core.runtime.conditions import takes_node_args
from selinon_core.runtime.question_answerer import QuestionAnswerer, put_off_too_often
from selinon_core.runtime.trace import entries as trace_entries
from selinon_core.runtime.trace.run_records import FlowRecord

#: Locally a flow fails when one decision was put off this often.
MOST_DEFERRALS = 10
_CONDITIONS = (do.AskCondition, do.AskFallbackCondition)


class QuestionEffects:
    """Performs the effects that ask something."""

    def __init__(self, state: DriverState, prepared: RunSetup) -> None:
        self._state = state
        self._answers = QuestionAnswerer(state.plan, state.imports, prepared.conditions, state.storages)
        self._mocked_conditions = state.mocked_conditions
        self._watch = state.stand_ins

    def ask(self, record: FlowRecord, question: do.Question) -> None:
        """Answer a question; user code may run for it."""
        state = self._state
        watch = self._watch
        if self._mocked_conditions and question.__class__ in _CONDITIONS:
            answer = self._mocked_answer(record, question) or self._answer(record, question)
        elif watch.is_needed:
            answer = self._answer(record, question)
        else:
            answer = self._answers.answer(record.flow, record.parent, question, state.lookup)
        if isinstance(answer, on.ForeachAnswered):
            state.steps.check_fan_out(record, question, len(answer.items or ()))
        self._record_answer(record, question, answer)
        state.inbox.append((record, answer))

    def _answer(self, record: FlowRecord, question: do.Question) -> on.Event:
        """The answer of the project's functions; what it rests on is noted if that is made up."""
        before = self._watch.before()
        answer = self._answers.answer(record.flow, record.parent, question, self._state.lookup)
        self._watch.after(record, question, before, self._takes_arguments(question))
        return answer

    def _takes_arguments(self, question: do.Question) -> bool:
        """Whether a function that is not mocked is given the arguments of the flow run."""
        from selinon_core.plan.functions import leaves_of

        if isinstance(question, do.AskCondition):
            leaves = leaves_of(question.edge.condition)
        elif isinstance(question, do.AskFallbackCondition):
            leaves = leaves_of(question.failure.condition)
        elif isinstance(question, do.AskForeach):
            return question.edge.foreach is not None and not self._is_mocked(question.edge.foreach.function)
        else:
            return False
        return any(takes_node_args(self._state.imports.predicate(leaf.function)) for leaf in leaves)

    def _is_mocked(self, ref: ImportRef) -> bool:
        return self._state.imports.is_mocked(ref)

    def _mocked_answer(self, record: FlowRecord, question: do.Question) -> on.Event | None:
        """The answer that a mock gives to a condition; None for one that is not mocked."""
        from selinon_core.plan.functions import leaves_of

        is_fallback = isinstance(question, do.AskFallbackCondition)
        entry = question.failure if is_fallback else question.edge  # type: ignore[union-attr]
        key: ConditionKey = (record.flow.name, entry.index, is_fallback)
        values = self._mocked_conditions.get(key)
        if values is None:
            return None
        asked = self._state.conditions_asked
        count = asked[key] = asked.get(key, 0) + 1
        leaves = [None] * sum(1 for _ in leaves_of(entry.condition))
        return on.ConditionAnswered(question.question, values[min(count, len(values)) - 1], leaves)

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
