"""What happens to the message of a node run: is it to be run, one attempt, what became of it, what follows."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from selinon_core.celery.execution.flow_executor import Ahead, Budget
from selinon_core.celery.reporting.remote_error import error_text
from selinon_core.celery.services import Engine
from selinon_core.celery.stores.protocol import ORPHAN, RUN, WAKE, Begun
from selinon_core.celery.transport.batching import Bundle
from selinon_core.celery.transport.message_schema import NodeMessage
from selinon_core.celery.worker.task_timeout import run_with_deadline
from selinon_core.dispatch import events as on
from selinon_core.dispatch.codec import encode_event
from selinon_core.errors import SelinonException, StateStoreError, TaskTimeout
from selinon_core.runtime.error_codec import user_traceback
from selinon_core.runtime.ids import id_maker
from selinon_core.runtime.json_values import copy_json, snapshot
from selinon_core.runtime.task_runner import Assignment, Attempt, Failed, RetryLater, Succeeded
from selinon_core.runtime.trace import entries as trace_entries
from selinon_core.runtime.trace.tracer import jsonable

_log = logging.getLogger("selinon")

#: Seconds after which the sweep looks whether the message of an immediate retry was published.
GRACE = 10.0


class WorkerKilled(SelinonException):
    """Raised for a task that killed its worker as often as ``selinon_max_deliveries`` allows."""


class Envelope:
    """Runs the tasks of one plan."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def handle(self, messages: Sequence[NodeMessage], again: bool) -> None:
        """Handle what one message holds; ``again``: it was delivered before, and its receiver may be gone.

        Raises ``StateStoreError`` when the store stays away: the message has to be given back.
        """
        budget = Budget(messages[0].number, self._engine.settings)
        if len(messages) == 1:
            self._handle(messages[0], again, budget)
            return
        bundle = Bundle(messages, self._give_away)
        with self._engine.bundle_watch.over(bundle):
            while (message := bundle.take()) is not None:
                budget.anchor = message.number
                self._handle(message, again, budget)

    def _give_away(self, messages: Sequence[NodeMessage]) -> bool:
        """Leave node runs to others; with the serial they have, so that whoever comes first runs them."""
        writer = self._engine.writer
        return self._engine.courier.send_safely(
            [writer.of_message(each, id_maker(each.id)(each.number), each.serial) for each in messages]
        )

    def _handle(self, message: NodeMessage, again: bool, budget: Budget) -> None:
        engine = self._engine
        begun = engine.receive(
            lambda again: engine.store.begin(message.id, message.number, message.serial, again, engine.clock()),
            again,
        )
        if begun.kind == ORPHAN:
            self._look_after(message)
            return
        if begun.kind != RUN:
            return
        task_id = id_maker(message.id)(message.number)
        ahead = self._run(message.with_payload(begun.payload), task_id, begun, budget, False)
        self.run_ahead(ahead, budget)

    def run_ahead(self, ahead: Ahead | None, budget: Budget) -> None:
        """Run what may be run here of what follows."""
        first = Begun(RUN)
        while ahead is not None:
            ahead = self._run(ahead.message, ahead.task_id, first, budget, True)

    def _look_after(self, message: NodeMessage) -> None:
        engine = self._engine
        queue = engine.writer.queue(message.flow)
        if engine.serves(queue):
            engine.patiently(lambda: engine.advancer.look_after(message.id))
        else:
            engine.courier.send_safely([engine.writer.wake(message.flow, message.id, queue)])

    def _run(
        self, message: NodeMessage, task_id: str, begun: Begun, budget: Budget, running_ahead: bool
    ) -> Ahead | None:
        engine = self._engine
        most = engine.settings.selinon_max_deliveries
        tells = not engine.teller.silent
        record = engine.teller.task(message, task_id, begun.attempts + 1) if tells else None
        if begun.deliveries > most:
            attempt: Attempt = Failed(
                WorkerKilled(f"{message.task} was delivered {most} times and its worker never came back from it")
            )
        else:
            if record is not None:
                engine.teller.entry(trace_entries.STARTED, record, record.attempts)
            about = (message.flow, message.id, message.task, task_id, begun.attempts + 1)
            with engine.spans.attempt(message.trace, *about) as ended:
                attempt = self._attempt(message, task_id, begun)
                ended(attempt)
        if isinstance(attempt, Succeeded):
            if record is not None:
                record.stored, record.result = attempt.stored, _tellable(attempt.result)
                engine.teller.entry(trace_entries.SUCCEEDED, record, attempt.stored)
            flow = engine.plan.flows[message.flow]
            wanted = flow.node_args_from_first and not attempt.stored
            return self._completed(
                message,
                on.NodeSucceeded(message.number),
                budget,
                result=_json_value(attempt.result) if wanted else None,
                with_result=wanted,
                running_ahead=running_ahead,
            )
        _log_failure(message, task_id, begun.attempts + 1, attempt)
        if isinstance(attempt, RetryLater):
            if record is not None:
                retries = begun.retries + (attempt.error is not None)
                told = (record.attempts, attempt.error, attempt.countdown, retries)
                engine.teller.entry(trace_entries.RETRIED, record, *told)
            self._retry(message, task_id, attempt)
            return None
        if record is not None:
            record.error = attempt.error
            engine.teller.entry(trace_entries.FAILED, record, record.attempts, attempt.error, begun.retries)
        return self._completed(
            message,
            on.NodeFailed(message.number),
            budget,
            serial=message.serial,
            error=(task_id, error_text(attempt.error)),
            running_ahead=running_ahead,
        )

    def _attempt(self, message: NodeMessage, task_id: str, begun: Begun) -> Attempt:
        engine = self._engine
        task = engine.plan.tasks[message.task]
        assignment = Assignment(
            message.flow,
            task_id,
            message.id,
            copy_json(message.args),
            dict(message.parent),
            copy_json(message.failures),
            begun.attempts + 1,
            begun.retries,
        )
        runner = engine.runner(message.origins)
        if task.timeout is None:
            began = time.perf_counter()
            attempt = runner.run(task, assignment)
            engine.pace.note(task.function, time.perf_counter() - began)
            return attempt
        return run_with_deadline(
            lambda wanted: runner.run(task, assignment, wanted),
            task.timeout,
            f"attempt {assignment.attempt} of {task.name} ran longer than {task.timeout} s",
            lambda error: runner.judge(task, assignment, error),
        )

    def _completed(self, message: NodeMessage, event: on.Event, budget: Budget, **how: Any) -> Ahead | None:
        """Keep a completion. When the store was away in the middle of it, its first try may have counted."""
        engine = self._engine
        try:
            return engine.advancer.completed(message, event, budget, **how)
        except StateStoreError as error:
            _log.warning("%s; the end of %s will be kept later", error, message.task)
        ahead = engine.patiently(lambda: engine.advancer.completed(message, event, budget, **how))
        if ahead is None:
            store = engine.store
            engine.patiently(lambda: store.begin(message.id, budget.anchor, message.serial, True, engine.clock()))
            self._look_after(message)
        return ahead

    def _retry(self, message: NodeMessage, task_id: str, attempt: RetryLater) -> None:
        engine = self._engine
        counted = attempt.error is not None
        serial = engine.patiently(
            lambda: engine.store.retry(
                message.id,
                message.number,
                message.serial,
                counted,
                max(attempt.countdown, 0.0),
                GRACE,
                engine.clock(),
            )
        )
        if serial is not None and attempt.countdown <= 0:
            engine.courier.send_safely([engine.writer.of_message(message, task_id, serial)])

    def stopped(self, message: NodeMessage) -> None:
        """A process was killed because its task did not stop at its time-out: the attempt counts as failed."""
        engine = self._engine
        task = engine.plan.tasks[message.task]
        record = engine.store.records(message.id, [message.number]).get(message.number)
        if record is None or record.done or record.serial != message.serial:
            return
        error = TaskTimeout(f"attempt {record.attempts + 1} of {task.name} did not stop after {task.timeout} s")
        task_id = id_maker(message.id)(message.number)
        if record.retries < task.max_retry:
            self._retry(message, task_id, RetryLater(task.retry_countdown, error))
            return
        # This is the worker's main process: no user code is run here, so somebody else has to advance the flow.
        delivered = engine.store.deliver(
            message.id,
            message.number,
            encode_event(on.NodeFailed(message.number)),
            engine.clock(),
            serial=message.serial,
            urgent=True,
            error=(task_id, error_text(error)),
            ttl=engine.settings.selinon_state_ttl,
        )
        if delivered.kind == WAKE:
            engine.courier.send_safely([engine.writer.wake(message.flow, message.id)])


def _log_failure(message: NodeMessage, task_id: str, number: int, attempt: RetryLater | Failed) -> None:
    """To Celery the message went well; who reads a worker's log wants to know of the task."""
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


def _tellable(result: Any) -> Any:
    try:
        return snapshot(result)
    except (TypeError, ValueError, RecursionError):
        return snapshot(jsonable(result))
