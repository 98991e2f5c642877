"""Hands messages to the code of a worker, as Celery's tasks do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selinon_core.celery.services import WorkerServices
from selinon_core.celery.transport.message_schema import (
    QUEUED_HEADER,
    TRACE_HEADER,
    Message,
    NodeMessage,
    PauseMessage,
    RetryMessage,
    SignalMessage,
    StartMessage,
    WakeMessage,
    read_dispatch,
    read_nodes,
)
from selinon_core.celery.transport.publisher import DISPATCHER
from selinon_core.celery.transport.start_batch import is_batch
from selinon_core.celery.worker.task_handler import TaskMessageHandler
from selinon_core.celery.worker.unknown_names import Disposition, UnroutableMessages, unknown_in
from selinon_core.errors import FormatSkew

#: The largest message that is read, in bytes.
MOST_BYTES = 1 << 20


class Receiver:
    """Handles messages as ``Selinon`` does.

    ``refused`` has of starts that were handed over with others: flow run ids, and why they could not be handled.
    """

    def __init__(self) -> None:
        self.unroutable = UnroutableMessages()
        self.refused: list[tuple[str, str]] = []

    def handle(
        self,
        services: WorkerServices,
        task: str,
        kwargs: dict[str, Any],
        headers: Mapping[str, str],
        again: bool,
    ) -> bool:
        """Let a worker handle a message; False when it has to be put back for others."""
        if is_batch(kwargs):
            start_together(services, kwargs, again, self.refused)
            return True
        trace = headers.get(TRACE_HEADER, "")
        try:
            messages = (
                read_nodes(kwargs, MOST_BYTES, queued=headers.get(QUEUED_HEADER))
                if task != DISPATCHER
                else (read_dispatch(kwargs, MOST_BYTES),)
            )
        except FormatSkew:
            return False
        known = [message for message in messages if _is_known(services, message)]
        nodes = [m._replace(trace=trace) for m in known if isinstance(m, NodeMessage)]
        if nodes:
            TaskMessageHandler(services).handle(nodes, again)
        is_kept = len(known) == len(messages) or self._take_unknown(
            services, [message for message in messages if message not in known]
        )
        if known and not nodes:
            _dispatch(services, known[0], trace, again)
        return is_kept

    def _take_unknown(self, services: WorkerServices, messages: list[Message]) -> bool:
        """Decide about messages that name what is unknown; False when they have to be put back."""
        for message in messages:
            unknown = unknown_in(services.plan, message)
            assert unknown is not None
            if self.unroutable.disposition(services, message, unknown) is Disposition.PUT_BACK:
                return False
        return True


def _is_known(services: WorkerServices, message: Message) -> bool:
    cancels = isinstance(message, WakeMessage) and message.cancel
    return cancels or unknown_in(services.plan, message) is None


def _dispatch(services: WorkerServices, message: Message, trace: str, again: bool) -> None:
    """Handle a message about a flow run."""
    if isinstance(message, StartMessage):
        budget = services.inline_budget(0)
        start = message._replace(trace=trace)
        ahead = services.retry_as_redelivered(lambda again: services.executor.start(start, again, budget), again)
        TaskMessageHandler(services).run_inline(ahead, budget)
    elif isinstance(message, RetryMessage):
        services.executor.retry(message)
    elif isinstance(message, SignalMessage):
        services.executor.signal(message)
    elif isinstance(message, PauseMessage):
        services.executor.pause(message)
    elif isinstance(message, WakeMessage) and message.cancel:
        services.executor.cancel(message.id, message.flow)
    else:
        services.retry_while_unavailable(lambda: services.executor.process_due_work(message.id))


def start_together(
    services: WorkerServices, kwargs: dict[str, Any], again: bool, refused: list[tuple[str, str]]
) -> None:
    """Let a worker handle a message with several starts; notes which it refused or could not handle, and why."""
    from selinon_core.celery.worker.start_batch_handler import StartBatchHandler  # local runs need none

    handler = StartBatchHandler(
        services,
        "celery",
        lambda sent, why: refused.append((sent["id"], why)),
        lambda message, error: refused.append((message.id, repr(error))),
    )
    is_done = handler.take_apart(kwargs) if again else handler.handle(kwargs)
    assert is_done
