"""Handles a message with several starts of flow runs: their commits share requests to the store.

Their first commits are one request, and so are the commits behind each round of tasks that are run inline.
Each flow run is begun, advanced and committed by itself, and the next task of a run begins after the end of the
one before was kept. What is shared is waiting: a run waits while short tasks of others run. When that takes long
after all, every start whose run is not at its end is published again, in a message of its own. Its receiver does
what it does for any start that comes again: it begins the run, or does what this process left.

A message that comes again is taken apart at once: one of its starts may kill its worker.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from selinon_core.celery.execution.inbox_codec import InboxEntry
from selinon_core.celery.execution.inline_selection import InlineBudget, InlineTask, Round
from selinon_core.celery.services import WorkerServices
from selinon_core.celery.stores.protocol import RUN, Begun
from selinon_core.celery.transport.message_schema import NodeMessage, StartMessage
from selinon_core.celery.transport.start_batch import apart, read_starts, starts_in
from selinon_core.celery.worker.task_handler import TaskMessageHandler
from selinon_core.celery.worker.unknown_names import unknown_in
from selinon_core.dispatch import events as on
from selinon_core.errors import FormatSkew, MessageRefused, StateStoreError
from selinon_core.runtime.error_codec import WorkerShutdown

_log = logging.getLogger("selinon")


class Turn(NamedTuple):
    """A flow run, and the task of it that is to be run inline next."""

    start: StartMessage
    task: InlineTask
    budget: InlineBudget


class StartBatch:
    """The starts of a message that have not begun, the runs whose turn comes, and ended tasks not committed yet.

    Safe under threads: a watchdog looks at it. ``apart(starts)`` publishes starts in messages of their own,
    ``commit(ended)`` commits ends without running anything more here.
    """

    def __init__(
        self,
        services: WorkerServices,
        messages: Sequence[StartMessage],
        apart: Callable[[Sequence[StartMessage]], bool],
        commit: Callable[[Sequence[Turn]], None],
    ) -> None:
        self._lock = threading.Lock()
        self._held = services.held_deliveries
        self._monotonic = services.surroundings.monotonic
        self._new = deque(messages)
        self._turns: deque[Turn] = deque()
        self._current: Turn | None = None
        self._ended: list[Turn] = []
        self._apart = apart
        self._commit = commit
        self.taken_at = self._monotonic()

    def starts(self) -> Iterator[StartMessage]:
        """The starts that have to begin here, one after the other."""
        while True:
            with self._lock:
                self.taken_at = self._monotonic()
                if not self._new:
                    return
                start = self._new.popleft()
            yield start

    def add(self, start: StartMessage, task: InlineTask, budget: InlineBudget) -> None:
        """A task of a run waits for its turn."""
        with self._lock:
            self._turns.append(Turn(start, task, budget))
            self._held.add(task.message, Begun(RUN))

    def take(self) -> Turn | None:
        """The task whose turn it is, None when the round is over."""
        with self._lock:
            self.taken_at = self._monotonic()
            self._current = self._turns.popleft() if self._turns else None
            return self._current

    def succeeded(self, message: NodeMessage) -> None:
        """The task whose turn it is succeeded."""
        with self._lock:
            assert self._current is not None
            self._ended.append(self._current)

    def take_ended(self) -> list[Turn]:
        """The ends that the caller has to commit."""
        with self._lock:
            self.taken_at = self._monotonic()
            ended, self._ended = self._ended, []
            return ended

    def keep_early(self) -> None:
        """Commit the ends so far; what follows is published."""
        with self._lock:
            ended, self._ended = self._ended, []
            for turn in ended:
                turn.budget.left = 0
            if ended:
                self._commit(ended)

    def give_up(self) -> None:
        """The message is given back with all that is left."""
        with self._lock:
            for turn in self._turns:
                self._held.discard(turn.task.message)

    def hand_back(self) -> None:
        """Hand the starts that did not begin, and those of runs that wait for their turn, to other processes."""
        with self._lock:
            waiting = [*(turn.start for turn in self._turns), *self._new]
            if waiting and self._apart(waiting):
                for turn in self._turns:
                    self._held.discard(turn.task.message)
                self._turns.clear()
                self._new.clear()


class StartBatchHandler:
    """Handles the starts of one message from ``queue``; used once.

    ``refuse(sent, why)`` drops a start for good, ``report(message, error)`` reports one that could not be handled.
    """

    def __init__(
        self,
        services: WorkerServices,
        queue: str,
        refuse: Callable[[Mapping[str, Any], str], None],
        report: Callable[[StartMessage, Exception], None],
    ) -> None:
        self._services = services
        self._tasks = TaskMessageHandler(services)
        self._round = Round(services.settings.selinon_batch_seconds)
        self._queue = queue
        self._refuse = refuse
        self._report = report
        #: What was sent, by the ids of flow runs, and of these the starts that have to be tried by themselves.
        self._sent: dict[str, Mapping[str, Any]] = {}
        self._left: list[Mapping[str, Any]] = []

    def take_apart(self, kwargs: Mapping[str, Any]) -> bool:
        """Publish each start in a message of its own, as one that was delivered before; False when that failed."""
        return self._services.relay.send_safely(apart(starts_in(kwargs), self._queue, True))

    def handle(self, kwargs: Mapping[str, Any]) -> bool:
        """Handle the starts. False when some are left and cannot be published: the message has to be given back.

        Raises ``StateStoreError`` when the store stays away, for which it has to be given back too, and
        ``MessageRefused`` where there is no start.
        """
        services = self._services
        messages = self._read(kwargs)
        batch = StartBatch(services, messages, self._publish_apart, self._commit)
        with services.batch_watchdog.over(batch):
            try:
                self._begin(batch, {message.id: services.shared_budget(self._round) for message in messages})
                while self._run_round(batch):
                    pass
            except WorkerShutdown:
                batch.keep_early()
                raise
            except Exception:  # the store stays unavailable
                batch.give_up()
                raise
        return services.relay.send_safely(apart(self._left, self._queue, False))

    def _read(self, kwargs: Mapping[str, Any]) -> list[StartMessage]:
        messages = []
        for sent, message in read_starts(kwargs, self._services.settings.selinon_max_message_bytes):
            if isinstance(message, FormatSkew):
                self._left.append(sent)
            elif isinstance(message, MessageRefused):
                self._refuse(sent, str(message))
            elif unknown_in(self._services.plan, message) is not None:  # another worker may know it
                self._left.append(sent)
            elif message.id not in self._sent:
                self._sent[message.id] = sent
                messages.append(message)
            elif message.key:  # another start with its key, maybe with other arguments
                self._left.append(sent)
        return messages

    def _publish_apart(self, starts: Sequence[StartMessage]) -> bool:
        sent = [self._sent[start.id] for start in starts]
        return self._services.relay.send_safely(apart(sent, self._queue, False))

    def _begin(self, batch: StartBatch, budgets: dict[str, InlineBudget]) -> None:
        services = self._services
        begun: list[StartMessage] = []

        def starts() -> Iterator[StartMessage]:
            for start in batch.starts():
                begun.append(start)
                yield start

        found = services.joint_execution.start_together(starts(), lambda: budgets[begun[-1].id])
        for start, inline_task in zip(begun, found, strict=True):
            budget = budgets[start.id]
            if isinstance(inline_task, StateStoreError):  # it may have begun
                _log.warning("%s; trying again", inline_task)
                budget.left = 0
                services.retry_as_redelivered(
                    lambda again, start=start, budget=budget: services.executor.start(start, again, budget),  # type: ignore[misc]
                    True,
                )
            else:
                self._continue(batch, start, inline_task, budget)

    def _run_round(self, batch: StartBatch) -> bool:
        """Run the tasks whose turn it is and commit their ends; False when there were none."""
        self._round.begin()
        failed: list[tuple[Turn, InlineTask]] = []
        ran = False
        while (turn := batch.take()) is not None:
            ran = True
            try:
                following = self._tasks.run_in_turn(turn.task, turn.budget, batch)
            except StateStoreError:
                raise
            except Exception as error:
                self._fail(turn.start, error)
                continue
            if following is not None:  # its end was committed by itself
                failed.append((turn, following))
        ended = batch.take_ended()
        found = self._services.joint_execution.complete_each([(turn.task, turn.budget) for turn in ended])
        for turn, inline_task in zip(ended, found, strict=True):
            if isinstance(inline_task, StateStoreError):
                inline_task = self._keep_later(turn, inline_task)
            self._continue(batch, turn.start, inline_task, turn.budget)
        for turn, following in failed:
            batch.add(turn.start, following, turn.budget)
        return ran

    def _continue(
        self, batch: StartBatch, start: StartMessage, found: InlineTask | Exception | None, budget: InlineBudget
    ) -> None:
        if isinstance(found, Exception):
            self._fail(start, found)
        elif found is not None:
            batch.add(start, found, budget)

    def _keep_later(self, turn: Turn, error: StateStoreError) -> InlineTask | None:
        message, budget = turn.task.message, turn.budget
        entry = InboxEntry(on.NodeSucceeded(message.number))
        executor = self._services.executor
        return self._tasks.keep_later(
            message, budget, lambda: executor.complete(message, entry, budget, inline=True), error
        )

    def _commit(self, ended: Sequence[Turn]) -> None:
        """Commit ends outside of a round; what cannot be committed is tried again by another process."""
        found = self._services.joint_execution.complete_each([(turn.task, turn.budget) for turn in ended])
        for turn, error in zip(ended, found, strict=True):
            if isinstance(error, Exception):
                self._fail(turn.start, error)

    def _fail(self, start: StartMessage, error: Exception) -> None:
        """A start is tried again by itself, which counts how often it fails."""
        self._report(start, error)
        self._left.append(self._sent[start.id])
