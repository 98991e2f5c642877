"""Answers to the questions of mocked runs: by mocks of conditions, by functions of the project or their mocks."""

from __future__ import annotations

from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.local.driver_state import DriverState
from selinon_core.local.run_setup import RunSetup
from selinon_core.local.stand_ins import ConditionKey
from selinon_core.plan import Expression, Foreach, ImportRef, Leaf, Test
from selinon_core.runtime.conditions import takes_node_args
from selinon_core.runtime.question_answerer import QuestionAnswerer
from selinon_core.runtime.results import Asking, Results
from selinon_core.runtime.trace.run_records import FlowRecord

_CONDITIONS = (do.AskCondition, do.AskFallbackCondition)


class LocalAnswers:
    """The answers of one run. Counts how often mocked conditions were asked, and what answers rest on."""

    def __init__(self, state: DriverState, prepared: RunSetup) -> None:
        self._state = state
        self._answers = QuestionAnswerer(
            state.plan, state.imports, prepared.conditions, state.storages, prepared.inputs
        )
        self._mocked_conditions = state.mocked_conditions
        self._watch = state.stand_ins
        #: The functions of the project alone answer, and nothing that they see is made up.
        self._is_plain = state.scripts.empty and not state.mocked_conditions and not state.imports.lenient

    def answer(self, record: FlowRecord, question: do.Question, results: Results) -> on.Event:
        """Answer a question; user code may run for it. ``results`` are those that a driver knows.

        Raises ``StepLimitExceeded`` for a foreach that yields more items than the run may start.
        """
        rerun = self._state.rerun
        if rerun is not None:
            recorded = rerun.answer(record, question)
            if recorded is not None:
                return recorded
        asking = Asking(record.flow, record.id, record.machine.attempt, record.parent)
        answer: on.Event
        if self._is_plain:
            answer = self._answers.answer(asking, question, results)
        else:
            answer = self._with_mocks(record, asking, question, results)
        if isinstance(answer, on.ForeachAnswered):
            self._state.steps.check_fan_out(record, question, len(answer.items or ()))
        return answer

    def _with_mocks(self, record: FlowRecord, asking: Asking, question: do.Question, results: Results) -> on.Event:
        """The answer of a mock, or of the project's functions where none gives it."""
        answer: on.Event
        if self._mocked_conditions and question.__class__ in _CONDITIONS:
            answer = self._mocked_answer(record, question) or self._watched(record, asking, question, results)
        elif self._watch.is_needed:
            answer = self._watched(record, asking, question, results)
        else:
            answer = self._answers.answer(asking, question, results)
        if not self._state.scripts.empty and _gives_reasons(answer):
            answer = self._hinted(answer)
        return answer

    def _hinted(self, answer: on.Event) -> on.Event:
        from selinon_core.local.mock_hints import with_hints

        return with_hints(answer, {use.node.run.name for use in self._state.scripts.uses})

    def _watched(self, record: FlowRecord, asking: Asking, question: do.Question, results: Results) -> on.Event:
        """The answer of the project's functions; what it rests on is noted if that is made up."""
        watch = self._watch
        before = watch.before()
        answer = self._answers.answer(asking, question, results)
        if watch.is_suspicious(before):
            watch.after(record, question, before, self._takes_arguments(question))
        return answer

    def _takes_arguments(self, question: do.Question) -> bool:
        """Whether an expression, or a function that is not mocked, is given the arguments of the flow run."""
        from selinon_core.plan.functions import leaves_of

        if isinstance(question, do.AskCondition):
            leaves = leaves_of(question.edge.condition)
        elif isinstance(question, do.AskFallbackCondition):
            leaves = leaves_of(question.failure.condition)
        elif isinstance(question, do.AskForeach):
            foreach = question.edge.foreach
            if isinstance(foreach, Foreach):
                return not self._is_mocked(foreach.function)
            return foreach is not None and _reads_args(foreach.expression)
        elif isinstance(question, do.AskArgs):
            from selinon_core.plan.expression_uses import expressions_of  # few flows have args

            return any(_reads_args(one) for one in expressions_of(question.entry.args))
        else:
            return False
        return any(self._leaf_takes_arguments(leaf) for leaf in leaves)

    def _leaf_takes_arguments(self, leaf: Leaf | Test) -> bool:
        if isinstance(leaf, Test):
            return _reads_args(leaf.expression)
        return takes_node_args(self._state.imports.predicate(leaf.function))

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


def _gives_reasons(answer: on.Event) -> bool:
    """Whether something could not be worked out; what names the mocks looks at all that were played so far."""
    if isinstance(answer, on.ArgsAnswered):
        for given in answer.given:  # noqa: SIM110  (a generator takes longer)
            if given[0]:
                return True
        return False
    return isinstance(answer, on.QuestionFailed)


def _reads_args(expression: Expression) -> bool:
    from selinon_core.plan.expression_uses import reads_args

    return reads_args(expression)
