"""Handles the message of a node run: claims it, runs one attempt, commits the outcome, runs successors inline."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from selinon_core.celery.execution.inbox_codec import InboxEntry
from selinon_core.celery.execution.inline_selection import InlineBudget, InlineTask
from selinon_core.celery.services import WorkerServices
from selinon_core.celery.stores.protocol import GONE, NEEDS_ADVANCE, REDELIVERED_UNFINISHED, RUN, Begun
from selinon_core.celery.transport.batching import MessageBatch
from selinon_core.celery.transport.message_schema import NodeMessage
from selinon_core.celery.worker import missing_run
from selinon_core.celery.worker.attempt_runner import AttemptRunner
from selinon_core.celery.worker.batch_handler import BatchHandler
from selinon_core.celery.worker.task_places import TaskPlaces
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import encode_event
from selinon_core.errors import StateStoreError, TaskTimeout
from selinon_core.runtime.error_codec import encode_error, user_traceback
from selinon_core.runtime.ids import id_maker
from selinon_core.runtime.json_values import copy_json, snapshot
from selinon_core.runtime.retry_policy import is_retried, wait_before
from selinon_core.runtime.task_runner import Failed, RetryLater, Succeeded
from selinon_core.runtime.trace import entries as trace_entries
from selinon_core.runtime.trace.tracer import jsonable

_log = logging.getLogger("selinon")

#: Seconds after which the sweep checks whether the message of an immediate retry was published.
GRACE = 10.0


class EndedTasks(Protocol):
    """Collects the ends of tasks that are committed together."""

    def succeeded(self, message: NodeMessage) -> None:
        """A node run succeeded; its end has to be committed."""
        ...

    def keep_early(self) -> None:
        """Commit the successes so far."""
        ...


class TaskMessageHandler:
    """Runs the tasks of one plan."""

    def __init__(self, services: WorkerServices, died: int = 0) -> None:
        """``died``: how often Celery saw the process die that had the message."""
        self._services = services
        self._attempts = AttemptRunner(services, died)
        self._places = TaskPlaces(services)

    def handle(self, messages: Sequence[NodeMessage], again: bool, alone: bool = False) -> None:
        """Handle the node runs of one message; ``again``: it was redelivered, its first receiver may be dead.

        ``alone``: the time that the message takes is limited, so it is for one node run. Raises
        ``StateStoreError`` when the store stays away: the message has to be given back.
        """
        budget = self._services.inline_budget(messages[0].number)
        if alone:
            budget.left = 0
            if len(messages) > 1 and BatchHandler(self._services, self).hand_back(messages[1:]):
                messages = messages[:1]
        if len(messages) == 1:
            self.handle_one(messages[0], again, budget)
        else:
            BatchHandler(self._services, self).handle(messages, again, budget)

    def handle_one(
        self, message: NodeMessage, again: bool, budget: InlineBudget, batch: MessageBatch | None = None
    ) -> None:
        """Handle one node run; ``batch`` has its claim, and collects its end if it succeeds."""
        services = self._services
        begun = None if batch is None else batch.claim_of(message)
        if begun is None:
            begun = services.retry_as_redelivered(
                lambda again: services.store.claim_delivery(
                    message.id, message.number, message.delivery, again, services.clock()
                ),
                again,
            )
        if begun.kind == REDELIVERED_UNFINISHED:
            self._process_due_work(message)
            return
        if begun.kind == GONE:
            missing_run.report(message.id)
        if begun.kind != RUN:
            return
        task_id = id_maker(message.id)(message.number)
        with services.held_deliveries.holding(message, begun):
            inline_task = self._run(message.with_payload(begun.payload), task_id, begun, budget, False, batch)
        self.run_inline(inline_task, budget)

    def run_inline(self, inline_task: InlineTask | None, budget: InlineBudget) -> None:
        """Run the following tasks that this worker may run inline."""
        first = Begun(RUN)
        while inline_task is not None:
            with self._services.held_deliveries.holding(inline_task.message, first):
                inline_task = self._run(inline_task.message, inline_task.task_id, first, budget, True)

    def run_in_turn(self, inline_task: InlineTask, budget: InlineBudget, batch: EndedTasks) -> InlineTask | None:
        """Run a task inline whose end ``batch`` collects if it succeeds; else returns the next one to be run."""
        first = Begun(RUN)
        with self._services.held_deliveries.holding(inline_task.message, first):
            return self._run(inline_task.message, inline_task.task_id, first, budget, True, batch)

    def _process_due_work(self, message: NodeMessage) -> None:
        services = self._services
        queue = services.messages.queue(message.flow, message.lane)
        if services.serves(queue):
            services.retry_while_unavailable(lambda: services.executor.process_due_work(message.id))
        else:
            services.relay.send_safely(
                [services.messages.wake(message.flow, message.id, queue, lane=message.lane)]
            )

    def _run(
        self,
        message: NodeMessage,
        task_id: str,
        begun: Begun,
        budget: InlineBudget,
        inline: bool,
        batch: EndedTasks | None = None,
    ) -> InlineTask | None:
        services = self._services
        traced = not services.tracer.silent
        record = services.tracer.task(message, task_id, begun.attempts + 1) if traced else None
        task = services.plan.tasks[message.task]
        if task.limit is None:
            attempt = self._attempts.run(message, task_id, begun, record, inline)
        else:
            placed = self._places.attempt(
                message, task, task_id, lambda: self._attempts.run(message, task_id, begun, record, inline)
            )
            if placed is None:
                return None
            attempt = placed
        if isinstance(attempt, Succeeded):
            if record is not None:
                record.stored, record.result = attempt.stored, _traceable(attempt.result)
                services.tracer.emit_entry(trace_entries.SUCCEEDED, record, attempt.stored)
            flow = services.plan.flows[message.flow]
            wanted = flow.node_args_from_first and not attempt.stored
            if batch is not None and not wanted:
                batch.succeeded(message)
                return None
            results = (_json_value(attempt.result),) if wanted else ()
            entry = InboxEntry(on.NodeSucceeded(message.number), results)
            return self._complete(message, entry, budget, inline=inline)
        if batch is not None:
            batch.keep_early()  # earlier ends are committed first
        _log_failure(message, task_id, begun.attempts + 1, attempt)
        if isinstance(attempt, RetryLater):
            if record is not None:
                retries = begun.retries + (attempt.error is not None)
                details = (record.attempts, attempt.error, attempt.countdown, retries)
                services.tracer.emit_entry(trace_entries.RETRIED, record, *details)
            self._retry(message, task_id, attempt)
            return None
        if record is not None:
            record.error = attempt.error
            services.tracer.emit_entry(trace_entries.FAILED, record, record.attempts, attempt.error, begun.retries)
        return self._complete(
            message,
            InboxEntry(on.NodeFailed(message.number)),
            budget,
            delivery=message.delivery,
            error=(task_id, encode_error(attempt.error)),
            inline=inline,
        )

    def _complete(
        self, message: NodeMessage, entry: InboxEntry, budget: InlineBudget, **how: Any
    ) -> InlineTask | None:
        complete = self._services.executor.complete
        try:
            return complete(message, entry, budget, **how)
        except StateStoreError as error:
            return self.keep_later(message, budget, lambda: complete(message, entry, budget, **how), error)

    def keep(
        self, message: NodeMessage, budget: InlineBudget, keep: Callable[[], InlineTask | None]
    ) -> InlineTask | None:
        """Commit a completion. If the store failed meanwhile, the first try may have been stored."""
        try:
            return keep()
        except StateStoreError as error:
            return self.keep_later(message, budget, keep, error)

    def keep_later(
        self,
        message: NodeMessage,
        budget: InlineBudget,
        keep: Callable[[], InlineTask | None],
        error: StateStoreError,
    ) -> InlineTask | None:
        """Commit a completion after a first try, which may have been stored, failed with ``error``."""
        services = self._services
        _log.warning("%s; the end of %s will be kept later", error, message.task)
        inline_task = services.retry_while_unavailable(keep)
        if inline_task is None:
            store = services.store
            services.retry_while_unavailable(
                lambda: store.claim_delivery(message.id, budget.carrier, message.delivery, True, services.clock())
            )
            self._process_due_work(message)
        return inline_task

    def _retry(self, message: NodeMessage, task_id: str, attempt: RetryLater) -> None:
        services = self._services
        counted = attempt.error is not None
        delivery = services.retry_while_unavailable(
            lambda: services.store.retry(
                message.id,
                message.number,
                message.delivery,
                counted,
                max(attempt.countdown, 0.0),
                GRACE,
                services.clock(),
            )
        )
        if delivery is not None and attempt.countdown <= 0:
            services.relay.send_safely([services.messages.of_message(message, task_id, delivery)])

    def attempt_killed(self, message: NodeMessage) -> None:
        """A process was killed because its task did not stop at its time-out: the attempt counts as failed."""
        services = self._services
        task = services.plan.tasks[message.task]
        record = services.store.records(message.id, [message.number]).get(message.number)
        if record is None or record.done or record.delivery != message.delivery:
            return
        if task.limit is not None:
            self._places.free(message)
        error = TaskTimeout(f"attempt {record.attempts + 1} of {task.name} did not stop after {task.timeout} s")
        task_id = id_maker(message.id)(message.number)
        if record.retries < task.max_retry and (task.retry is None or is_retried(task.retry, error)):
            wait = task.retry_countdown
            if task.retry is not None:
                wait = wait_before(task, task.retry, record.retries, task_id)
            self._retry(message, task_id, RetryLater(wait, error))
            return
        # The worker's main process runs no user code, so another process has to advance the flow.
        delivered = services.store.append_event(
            message.id,
            message.number,
            encode_event(on.NodeFailed(message.number)),
            services.clock(),
            delivery=message.delivery,
            urgent=True,
            error=(task_id, encode_error(error)),
            ttl=services.retention.errors,
        )
        if delivered.kind == NEEDS_ADVANCE:
            services.relay.send_safely([services.messages.wake(message.flow, message.id, lane=message.lane)])


def _log_failure(message: NodeMessage, task_id: str, number: int, attempt: RetryLater | Failed) -> None:
    """Celery records the message as successful, so the task's failure is logged here."""
    if attempt.error is None:  # it asked to run again
        return
    level, what = logging.ERROR, "failed"
    if isinstance(attempt, RetryLater):
        level, what = logging.WARNING, f"failed, the next one is in {attempt.countdown:g} s"
    about = (number, message.task, message.flow, what, message.id, task_id, user_traceback(attempt.error))
    _log.log(level, "attempt %d of %s in flow %s %s (%s, task %s)\n%s", *about)


def _json_value(result: Any) -> Any:
    try:
        return copy_json(result)
    except (TypeError, ValueError, RecursionError):
        return jsonable(result)


def _traceable(result: Any) -> Any:
    try:
        return snapshot(result)
    except (TypeError, ValueError, RecursionError):
        return snapshot(jsonable(result))
