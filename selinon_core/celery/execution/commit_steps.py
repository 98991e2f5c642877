"""Performs the steps that commit loops yield: commits to the store, messages to the broker.

The loops of several flow runs are carried out together: their commits are one request to the store, their
messages one publishing. Each run is its own atomic step all the same, and one that fails does not stop the others.
A loop may run user code (conditions, foreach functions), so what was asked for is carried out after
``MOST_SECONDS`` at the latest, also when other loops have not come to their next step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, NamedTuple

from selinon_core.celery.execution.inline_selection import InlineTask
from selinon_core.celery.execution.outbox_relay import OutboxRelay, Send
from selinon_core.celery.stores import Store
from selinon_core.celery.stores.protocol import Commit, Committed

#: Seconds that a commit waits for commits of other runs, at the most.
MOST_SECONDS = 0.02


class Advanced(NamedTuple):
    """Whether the store accepted the first commit, and a task that the caller has to run inline."""

    kept: bool
    inline_task: InlineTask | None = None


#: A commit loop: is sent the ``Committed`` of a commit, and the exception (or None) of messages.
Steps = Generator[Commit | Send, Any, Advanced]


class StepRunner:
    """Carries out the steps of commit loops."""

    def __init__(self, store: Store, relay: OutboxRelay, monotonic: Callable[[], float]) -> None:
        self._store = store
        self._relay = relay
        self._monotonic = monotonic

    def alone(self, steps: Steps) -> Advanced:
        """Carry out one loop to its end; raises what the store raises."""
        answer: Any = None
        while True:
            try:
                asked = steps.send(answer)
            except StopIteration as end:
                advanced: Advanced = end.value
                return advanced
            if isinstance(asked, Send):
                answer = self._relay.publish(asked.messages)
            else:
                answer = self._store.commit(asked)

    def together(self, loops: Iterator[Steps]) -> list[Advanced | Exception]:
        """Carry out several loops to their ends; of each what it returned or raised, in the same order.

        The loops are taken one after the other: ``loops`` may end early.
        """
        group = _Group(loops)
        while True:
            until = self._monotonic() + MOST_SECONDS
            while group.resume_one() and self._monotonic() < until:
                pass
            if not group.asked:
                if group.is_done:
                    return group.ended
                continue
            asked, group.asked = group.asked, {}
            sends = {n: step for n, step in asked.items() if isinstance(step, Send)}
            commits = {n: step for n, step in asked.items() if isinstance(step, Commit)}
            for number, error in zip(sends, self._publish(list(sends.values())), strict=True):
                group.answer(number, error)
            for number, committed in zip(commits, self._commit(list(commits.values())), strict=True):
                if isinstance(committed, Exception):
                    group.fail(number, committed)
                else:
                    group.answer(number, committed)

    def _publish(self, sends: Sequence[Send]) -> list[Exception | None]:
        """One publishing for all; where that fails, one for each, as a single message may be at fault."""
        if len(sends) > 1 and self._relay.publish([each for send in sends for each in send.messages]) is None:
            return [None] * len(sends)
        return [self._relay.publish(send.messages) for send in sends]

    def _commit(self, steps: Sequence[Commit]) -> Sequence[Committed | Exception]:
        try:
            if len(steps) == 1:
                return [self._store.commit(steps[0])]
            return self._store.commit_all(steps) if steps else ()
        except Exception as error:
            return [error] * len(steps)


class _Group:
    """Loops that are carried out together, by numbers: what they asked for, and how they ended."""

    def __init__(self, loops: Iterator[Steps]) -> None:
        self._new = loops
        self._loops: list[Steps] = []
        self._answered: deque[tuple[int, Any]] = deque()
        self._left = True
        self._ended: dict[int, Advanced | Exception] = {}
        self.asked: dict[int, Commit | Send] = {}

    @property
    def is_done(self) -> bool:
        """Whether all loops have ended."""
        return not (self._left or self._answered or self.asked)

    @property
    def ended(self) -> list[Advanced | Exception]:
        """How the loops ended."""
        return [self._ended[number] for number in range(len(self._loops))]

    def resume_one(self) -> bool:
        """Let a loop go on that has its answer, or begin one; False when there is none."""
        if self._answered:
            number, answer = self._answered.popleft()
            self._resume(number, answer)
            return True
        steps = next(self._new, None) if self._left else None
        self._left = steps is not None
        if steps is not None:
            self._loops.append(steps)
            self._resume(len(self._loops) - 1, None)
        return self._left

    def answer(self, number: int, answer: Any) -> None:
        """What a loop asked for was carried out."""
        self._answered.append((number, answer))

    def fail(self, number: int, error: Exception) -> None:
        """A loop ends here: its commit failed."""
        self._loops[number].close()
        self._ended[number] = error

    def _resume(self, number: int, answer: Any) -> None:
        try:
            self.asked[number] = self._loops[number].send(answer)
        except StopIteration as end:
            self._ended[number] = end.value
        except Exception as error:
            self._ended[number] = error
