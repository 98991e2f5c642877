"""The two Celery tasks, ``selinon.Dispatcher`` and ``selinon.SelinonTaskEnvelope``: they pass messages on.

The first takes messages about flow runs (start, cancel, wake), the second those that start node runs. What has no
handler in this worker is requeued or refused.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from selinon_core.celery.execution.reopening_step import RunBusy
from selinon_core.celery.selinon_protocol import Owner
from selinon_core.celery.transport.message_schema import (
    QUEUED_HEADER,
    TRACE_HEADER,
    Message,
    PauseMessage,
    RetryMessage,
    SignalMessage,
    StartMessage,
    WakeMessage,
    is_v1_message,
    read_dispatch,
    read_nodes,
)
from selinon_core.celery.transport.publisher import DISPATCHER, ENVELOPE
from selinon_core.celery.transport.start_batch import is_batch, starts_in
from selinon_core.celery.worker.celery_request import TIME_LIMITED
from selinon_core.celery.worker.requeue import (
    give_back,
    give_back_failed,
    header_of,
    is_redelivery,
    park,
    queue_of,
)
from selinon_core.celery.worker.shutdown_errors import shutdown_guard
from selinon_core.celery.worker.start_batch_handler import StartBatchHandler
from selinon_core.celery.worker.task_handler import TaskMessageHandler
from selinon_core.celery.worker.unknown_names import FAIL_AFTER, PAUSE, Disposition, UnroutableMessages, unknown_in
from selinon_core.errors import FormatSkew, MessageRefused, StateStoreError

_log = logging.getLogger("selinon")

#: Seconds before a message that cannot be handled now is given back.
GIVE_BACK_AFTER = 1.0

_OPTIONS: dict[str, Any] = {
    "bind": True,
    "shared": False,  # another app of this process has tasks of its own by these names
    "acks_late": True,
    "ignore_result": True,
    "retry_on_worker_lost": True,
    "reject_on_worker_lost": True,  # only where publishing the retry fails; deliveries are counted
    "max_retries": None,
    "default_retry_delay": 0,
    "track_started": False,
    "store_errors_even_if_ignored": False,
    "serializer": "json",
    "Request": "selinon_core.celery.worker.celery_request:NodeRequest",
    "Strategy": "selinon_core.celery.worker.celery_request:strategy",
}


def register_tasks(owner: Owner) -> None:
    """Add the two tasks to the app of ``owner``; ``task.selinon`` is the owner."""
    receiver = MessageReceiver(owner)
    options = {**_OPTIONS, "selinon": owner}

    # A predicate that kills its worker must not do so for ever; the sweep wakes its flow again, more rarely.
    @owner.app.task(name=DISPATCHER, **{**options, "max_retries": 10})
    def dispatcher(celery_task: Any, *args: Any, **kwargs: Any) -> None:
        with shutdown_guard(receiver.give_back_deliveries):
            receiver.dispatch(celery_task, kwargs)

    @owner.app.task(name=ENVELOPE, **options)
    def envelope(celery_task: Any, *args: Any, **kwargs: Any) -> None:
        with shutdown_guard(receiver.give_back_deliveries):
            receiver.run_nodes(celery_task, kwargs)


def is_time_limited(task: Any) -> bool:
    """Whether Celery stops this message when it takes too long: then it must not hold the work of others."""
    return bool(header_of(task, TIME_LIMITED)) or any(task.request.timelimit or ())


class MessageReceiver:
    """Handles the messages of one app in one process."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._unroutable = UnroutableMessages()

    def give_back_deliveries(self) -> None:
        """This process is asked to end."""
        self._owner.services.held_deliveries.give_back()

    def dispatch(self, task: Any, kwargs: dict[str, Any]) -> None:
        """Handle a message of ``selinon.Dispatcher``."""
        if is_batch(kwargs):
            self._start_together(task, kwargs)
            return
        message = self._read(task, kwargs, read_dispatch)
        if message is None:
            return
        unknown = unknown_in(self._owner.plan, message)
        if unknown is not None and self._handle_unroutable(task, message, unknown):
            return
        services = self._owner.services
        try:
            if isinstance(message, StartMessage):
                self._start(task, message)
            elif isinstance(message, RetryMessage):
                retry = message
                services.retry_while_unavailable(lambda: services.executor.retry(retry))
            elif isinstance(message, SignalMessage):
                signal = message
                services.retry_while_unavailable(lambda: services.executor.signal(signal))
            elif isinstance(message, PauseMessage):
                pause = message
                services.retry_while_unavailable(lambda: services.executor.pause(pause))
            elif message.cancel:
                services.retry_while_unavailable(lambda: services.executor.cancel(message.id, message.flow))
            else:
                services.retry_while_unavailable(lambda: services.executor.process_due_work(message.id))
        except (StateStoreError, RunBusy) as error:
            self._give_back(task, str(error))
        except Exception as error:
            self._report_bug(message, error)
            if isinstance(message, StartMessage):  # the sweep comes back to everything else
                self._give_back_or_park(task, message, error)

    def _start(self, task: Any, message: StartMessage) -> None:
        services = self._owner.services
        budget = services.inline_budget(0)
        if is_time_limited(task):
            budget.left = 0
        inline_task = services.retry_as_redelivered(
            lambda again: services.executor.start(message, again, budget), is_redelivery(task)
        )
        TaskMessageHandler(services).run_inline(inline_task, budget)

    def _start_together(self, task: Any, kwargs: dict[str, Any]) -> None:
        handler = StartBatchHandler(
            self._owner.services,
            queue_of(task),
            lambda sent, why: self._refuse(task, sent.get("id"), why),
            self._report_bug,
        )
        try:
            if is_redelivery(task) or is_time_limited(task):
                is_done = handler.take_apart(kwargs)
            else:
                is_done = handler.handle(kwargs)
        except MessageRefused as error:
            self._refuse(task, None, str(error))
            return
        except StateStoreError as error:
            self._give_back(task, str(error))
        except Exception:
            _log.exception("%d starts cannot be handled together", len(starts_in(kwargs)))
            is_done = handler.take_apart(kwargs)
        if not is_done:
            self._give_back(task, "the broker does not take its starts one by one")

    def run_nodes(self, task: Any, kwargs: dict[str, Any]) -> None:
        """Handle a message of ``selinon.SelinonTaskEnvelope``."""
        reader: Callable[..., Any] = read_nodes
        if self._owner.services.spans.enabled:
            reader = partial(read_nodes, queued=header_of(task, QUEUED_HEADER))
        messages = self._read(task, kwargs, reader)
        if messages is None:
            return
        unknown = [(message, unknown_in(self._owner.plan, message)) for message in messages]
        known = [message for message, what in unknown if what is None]
        try:
            if known:
                handler = TaskMessageHandler(self._owner.services, task.request.retries or 0)
                handler.handle(known, is_redelivery(task), is_time_limited(task))
        except StateStoreError as error:
            self._give_back(task, str(error))
        except Exception as error:  # counts as a delivery, so repeats are bounded
            self._report_bug(messages[0], error)
            self._give_back(task, str(error))
        for message, what in unknown:
            if what is not None:
                self._handle_unroutable(task, message, what)

    def _read(self, task: Any, kwargs: dict[str, Any], reader: Callable[..., Any]) -> Any:
        """The checked message; None when it was refused, which is reported."""
        if is_v1_message(kwargs):
            self._report_refused(task, "a message in the format of selinon 1.x; it is put back")
            self._give_back(task, "a message of selinon 1.x")
        try:
            most_bytes = self._owner.services.settings.selinon_max_message_bytes
            return reader(kwargs, most_bytes, header_of(task, TRACE_HEADER))
        except FormatSkew as error:
            services = self._owner.services
            if self._unroutable.is_first(services, str(kwargs.get("id") or task.request.id)):
                services.tracer.warn("MIGRATION_SKEW", f"{error}; left to another worker")
            give_back(self._owner, task, str(error), PAUSE)
        except MessageRefused as error:
            self._refuse(task, kwargs.get("id"), str(error))
            return None

    def _handle_unroutable(self, task: Any, message: Message, unknown: str) -> bool:
        """Requeue, refuse or fail a message with an unknown name; False when it can be handled anyway."""
        services = self._owner.services
        try:
            if services.retry_while_unavailable(lambda: self._may_be_cancelled(message)):
                return False
            disposition = services.retry_while_unavailable(
                lambda: self._unroutable.disposition(services, message, unknown)
            )
        except StateStoreError as error:
            self._give_back(task, str(error))
        if disposition is Disposition.PUT_BACK:
            give_back(self._owner, task, unknown, PAUSE)
        if disposition is Disposition.PARK and isinstance(message, StartMessage):
            failed = f"{unknown}, and no worker took its start for {FAIL_AFTER:.0f} s"
            self._park(task, message, failed, failed)
        if disposition is Disposition.REFUSE:
            self._refuse(task, message.id if isinstance(message, StartMessage) else None, unknown)
        return True

    def _may_be_cancelled(self, message: Message) -> bool:
        """Whether the message cancels a run, which works without a definition of its flow."""
        cancels = isinstance(message, WakeMessage) and message.cancel
        return cancels and self._owner.store.header(message.id) is not None

    # -- giving back and refusing -----------------------------------------------------------------------------

    def _give_back(self, task: Any, why: str) -> NoReturn:
        give_back(self._owner, task, why, GIVE_BACK_AFTER)

    def _give_back_or_park(self, task: Any, message: StartMessage, error: Exception) -> None:
        """Try a start again, but not for ever: the starts behind it have to run too."""
        services = self._owner.services
        why = f"{type(error).__name__}: {error}"
        if give_back_failed(self._owner, task, why, GIVE_BACK_AFTER):
            return
        failed = f"the start of {message.flow} failed {services.settings.selinon_max_deliveries} times: {why}"
        if message.caller is not None:  # the parent waits for its end
            services.retry_while_unavailable(lambda: services.relay.fail_start(message, failed))
            return
        self._park(task, message, why, failed)

    def _park(self, task: Any, message: StartMessage, why: str, failed: str) -> None:
        """Put a start aside that no worker can handle; gives it back where it cannot be kept."""
        where = park(self._owner, task, message.flow, message.id, why)
        if not where:
            self._give_back(task, why)
        details = {"flow_name": message.flow, "dispatcher_id": message.id}
        self._owner.services.tracer.warn("MESSAGE_PARKED", f"{failed}; it is {where}", **details)
        _log.error("flow run %r did not begin, %r; it is %s", message.id, failed, where)
        self._forget(message.id)

    def _refuse(self, task: Any, id: Any, why: str) -> None:
        """Drop a message for good."""
        self._report_refused(task, why)
        if isinstance(id, str):
            self._forget(id)

    def _forget(self, id: str) -> None:
        """Remove a start from the pending starts."""
        pending = self._owner.pending_starts
        try:
            if pending.enabled:
                pending.forget(id)
        except Exception as error:  # it will be refused again then
            _log.warning("cannot forget the start of %r: %s: %s", id, type(error).__name__, error)

    def _report_bug(self, message: Message, error: Exception) -> None:
        _log.exception("flow run %r of %r cannot be advanced", message.id, message.flow)
        what = f"{type(error).__name__}: {error}"
        details = {"flow_name": message.flow, "dispatcher_id": message.id}
        self._owner.services.tracer.warn("DISPATCHER_FAILURE", what, **details)

    def _report_refused(self, task: Any, why: str) -> None:
        self._owner.services.tracer.warn("DISPATCHER_FAILURE", f"message {task.request.id!r} refused: {why}")
