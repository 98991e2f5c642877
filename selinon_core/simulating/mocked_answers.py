"""Answers of mocks that count how often they are asked: a decision that is made again gets the same as before."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy

from selinon_core.cases.model import Mocks
from selinon_core.dispatch import effects as do
from selinon_core.dispatch import events as on
from selinon_core.runtime.trace.run_records import FlowRecord
from selinon_core.simulating.names import Names
from selinon_core.simulating.shared import AnswerKey, Memo

_KEPT = (on.ConditionAnswered, on.ForeachAnswered)


class MockedAnswers:
    """The answers of one schedule. A worker that dies before its commit leaves decisions that are made again.

    ``known`` has the answers of the undisturbed run, ``memo`` gets those of this schedule.
    """

    def __init__(self, mocks: Mocks | None, names: Names, known: Memo, memo: Memo) -> None:
        mocks = Mocks() if mocks is None else mocks
        functions, conditions = mocks.functions.values(), mocks.conditions
        self._are_counted = any(len(mock.values) > 1 for mock in functions) or any(
            len(mock.values) > 1 for mock in conditions
        )
        self._names = names
        self._memos = (known, memo)
        self._memo = memo

    def answer(self, record: FlowRecord, question: do.Question, ask: Callable[[], on.Event]) -> on.Event:
        """The answer to a question of a flow run: what it got before, else what ``ask`` says."""
        key = self._key(record, question) if self._are_counted else None
        if key is None:
            return ask()
        for memo in self._memos:
            known = memo.answers.get(key)
            if known is not None:
                again = copy(known)
                again.question = question.question
                return again
        answer = ask()
        if isinstance(answer, _KEPT):
            self._memo.answers[key] = answer
        return answer

    def _key(self, record: FlowRecord, question: do.Question) -> AnswerKey | None:
        """What is asked, the same in each schedule; None for questions that no mock answers."""
        key, node = self._names.key, record.node
        flow = record.flow.name if node is None else key(node.run.id)
        if isinstance(question, do.AskFallbackCondition):
            return (flow, record.machine.attempt, "fallback", question.failure.index, ())
        if isinstance(question, (do.AskCondition, do.AskForeach)):
            kind = "condition" if isinstance(question, do.AskCondition) else "foreach"
            sources = tuple(key(source.id) for source in question.sources)
            return (flow, record.machine.attempt, kind, question.edge.index, sources)
        return None
