"""The Celery ``Request`` class and strategy of our tasks: malformed messages, revocations and hard time limits."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from celery.exceptions import InvalidTaskError
from celery.worker.request import Request
from celery.worker.strategy import default

from selinon_core.celery.selinon_protocol import Revoked
from selinon_core.celery.transport.message_limits import AROUND, MAX_DEPTH, is_too_deep, unfit_for_line
from selinon_core.celery.transport.message_schema import read_node
from selinon_core.celery.transport.publisher import DISPATCHER, ENVELOPE
from selinon_core.celery.worker.revocation import revoke_message
from selinon_core.celery.worker.waiting_starts import WaitingStarts

_log = logging.getLogger("selinon")

#: The header by which the main process tells the one that handles a message that Celery limits its time.
TIME_LIMITED = "selinon_time_limited"
#: The length of ids and names in the headers of a message ("selinon.task." and the name of a task, for example).
MAX_HEADER = 300


def strategy(task: Any, app: Any, consumer: Any, **options: Any) -> Callable[..., Any]:
    """Celery's default strategy; but a message that breaks the task protocol does not end the worker."""
    take = default(task, app, consumer, **options)
    worker = consumer.controller
    starts = None
    if task.name == DISPATCHER:
        starts = WaitingStarts(consumer, task.selinon.settings.selinon_batch_count)

    def checked(message: Any, body: Any, ack: Any, reject: Any, *how: Any, **more: Any) -> Any:
        check_form(message)
        revoke_message(message)
        if any((task.time_limit, task.soft_time_limit, worker.time_limit, worker.soft_time_limit)):
            message.headers[TIME_LIMITED] = True
        elif starts is not None:
            ack, reject = starts.join(message, ack, reject)
        return take(message, body, ack, reject, *how, **more)

    return checked


def check_form(message: Any) -> None:
    """Raise ``InvalidTaskError``, on which Celery drops the message, where Celery itself would crash."""
    for header in ("id", "root_id", "parent_id", "shadow"):
        text = message.headers.get(header)
        if text is not None and unfit_for_line(text, MAX_HEADER):
            raise InvalidTaskError(f'the header "{header}" is not a name: {str(text)[:50]!r}')
    payload = message.payload
    match payload:
        case [list(), dict(), dict() | None]:
            pass
        case {"args": list(), "kwargs": dict()}:  # of apps with task_protocol = 1
            pass
        case _:
            raise InvalidTaskError("the body is not a list of arguments, keyword arguments and options")
    if is_too_deep(payload, message.body, MAX_DEPTH + 2 * AROUND):
        raise InvalidTaskError(f"it holds more than {MAX_DEPTH} lists and mappings inside each other")
    match message.headers.get("timelimit"):
        case None | [int() | float() | None, int() | float() | None]:
            pass
        case _:
            raise InvalidTaskError("the time limit is not two numbers")


class NodeRequest(Request):
    """A request whose hard time limit counts as a failed attempt of the task, and whose revocation is recorded."""

    def _announce_revoked(self, reason: str, terminated: bool, signum: Any, expired: bool) -> None:
        # Celery's signal task_revoked comes without the arguments of the task.
        super()._announce_revoked(reason, terminated, signum, expired)  # type: ignore[misc]
        how = "terminated" if terminated else "expired" if expired else "revoked"
        item = Revoked(self.task.name, self.kwargs, how, message=self.id)
        self.task.selinon.revocations.note(item)  # type: ignore[attr-defined]

    def cancel(self, pool: Any, signal: Any = None, emit_retry: bool = True) -> None:
        """The connection to the broker is lost: Celery stops the process, and the message comes again.

        Celery writes to the result backend before it notes that. When the backend is away too, the stopped task
        would count as terminated by a user.
        """
        self._already_cancelled = True
        super().cancel(pool, signal, emit_retry=False)  # the tasks have no results of their own to be marked

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """Celery killed the process of a task that did not stop at its time-out."""
        if not soft and self.task.name == ENVELOPE:  # its own name may be the one it is shown as
            try:
                self._stopped()
            except Exception:
                _log.exception("the time-out of %s could not be kept", self.id)
        super().on_timeout(soft, timeout)

    def _stopped(self) -> None:
        from selinon_core.celery.worker.task_handler import TaskMessageHandler

        services = self.task.selinon.services  # type: ignore[attr-defined]
        kwargs: dict[str, Any] = self.kwargs
        message = read_node(kwargs, services.settings.selinon_max_message_bytes)
        payload = services.store.payload(message.id, message.number) if message.has_payload else None
        TaskMessageHandler(services).attempt_killed(message.with_payload(payload))
