"""Which questions are open. Each number is used once; its question is then open, answered, or dropped."""

from __future__ import annotations

from typing import Any

from selinon_core.dispatch import effects as do
from selinon_core.errors import UnexpectedEvent


class Questions:
    """The questions of one flow run, over all its attempts.

    ``asked`` is the number of the last one. ``open`` holds those without an answer, oldest first. Answers to
    ``dropped`` questions may still arrive and are ignored: the attempt failed, or the question was asked again.
    ``deferrals`` counts how often an open question was deferred.
    """

    __slots__ = ("asked", "deferrals", "dropped", "open")

    def __init__(self) -> None:
        self.asked = 0
        self.open: dict[int, do.Question] = {}
        self.dropped: set[int] = set()
        self.deferrals: dict[int, int] = {}

    def next_number(self) -> int:
        """The number of a new question."""
        self.asked += 1
        return self.asked

    def find(self, number: int) -> do.Question | None:
        """The open question of that number, None when it was dropped; raises ``UnexpectedEvent`` for others."""
        question = self.open.get(number)
        if question is None and number not in self.dropped:
            raise UnexpectedEvent(f"question {number} is not open")
        return question

    def close(self, number: int, kinds: type[Any] | tuple[type[Any], ...]) -> Any:
        """Take an answer to a question, which has to be one of ``kinds``; returns and raises as ``find`` does."""
        question = self.open.get(number)
        if question is None:
            self.find(number)
            self.dropped.discard(number)
            return None
        if not isinstance(question, kinds):
            raise UnexpectedEvent(f"question {number} is {question.__class__.__name__}, the answer is to another")
        del self.open[number]
        if self.deferrals:
            self.deferrals.pop(number, None)
        return question

    def defer(self, number: int) -> int:
        """Count a deferral of a question and return how many there are by now."""
        deferrals = self.deferrals[number] = self.deferrals.get(number, 0) + 1
        return deferrals

    def drop(self) -> tuple[do.Question, ...]:
        """Drop all open questions, whose answers are ignored from now on; returns the questions."""
        dropped = tuple(self.open.values())
        self.dropped.update(self.open)
        self.open = {}
        self.deferrals = {}
        return dropped
