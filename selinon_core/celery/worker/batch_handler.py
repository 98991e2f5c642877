"""Handles a message with several node runs: one step of the store claims them, one commits their successes.

A redelivered message is handled node run by node run: one of them may kill its worker, so the delivery of each
is counted when its turn comes. A claim in one step counts a delivery too many for node runs behind the one that
kills the worker, and for those whose end was not committed yet. So there are no such claims where
``selinon_max_deliveries`` is low. Ends are committed early when a node run fails, when one takes long, and when
this process shuts down.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from selinon_core.celery.execution.inline_selection import InlineBudget, InlineTask
from selinon_core.celery.services import WorkerServices
from selinon_core.celery.transport.batching import Claims, MessageBatch
from selinon_core.celery.transport.message_schema import NodeMessage
from selinon_core.errors import StateStoreError
from selinon_core.runtime.error_codec import WorkerShutdown
from selinon_core.runtime.ids import id_maker

_log = logging.getLogger("selinon")

#: The fewest ``selinon_max_deliveries`` that leave room for a delivery that is counted without need.
FEWEST_DELIVERIES = 3


class NodeHandler(Protocol):
    """Handles one node run of a batch after the other (``TaskMessageHandler``)."""

    def handle_one(
        self, message: NodeMessage, again: bool, budget: InlineBudget, batch: MessageBatch | None = None
    ) -> None:
        """Handle one node run."""
        ...

    def run_inline(self, inline_task: InlineTask | None, budget: InlineBudget) -> None:
        """Run the following tasks that this worker may run inline."""
        ...

    def keep(
        self, message: NodeMessage, budget: InlineBudget, keep: Callable[[], InlineTask | None]
    ) -> InlineTask | None:
        """Commit a completion, with retries while the store is unavailable."""
        ...


class BatchHandler:
    """Handles one batch."""

    def __init__(self, services: WorkerServices, handler: NodeHandler) -> None:
        self._services = services
        self._handler = handler

    def handle(self, messages: Sequence[NodeMessage], again: bool, budget: InlineBudget) -> None:
        """Handle the node runs of one message; ``again``: it was redelivered, its first receiver may be dead.

        Raises ``StateStoreError`` when the store stays away: the message has to be given back.
        """
        claims: Claims = {}
        if not again and self._services.settings.selinon_max_deliveries >= FEWEST_DELIVERIES:
            claims = self._claims(messages)
            again = not claims
        held = self._services.held_deliveries
        for each in messages:
            if (each.number, each.delivery) in claims:
                held.add(each, claims[each.number, each.delivery])
        together = bool(claims)
        monotonic = self._services.surroundings.monotonic
        batch = MessageBatch(messages, self.hand_back, self._keep_early, claims, monotonic)
        with self._services.batch_watchdog.over(batch):
            try:
                while (message := batch.take()) is not None:
                    budget.carrier = message.number
                    self._handler.handle_one(message, again, budget, batch if together else None)
                    batch.hand_back_if_slow()
            except WorkerShutdown:
                batch.keep_early()
                raise
            except Exception:  # the store stays unavailable
                batch.keep_early()
                held.discard_all(messages)
                raise
        held.discard_all(messages)
        ended = batch.take_succeeded()
        if ended:
            budget.carrier = ended[-1].number
            self._handler.run_inline(self._keep(ended, budget), budget)

    def _claims(self, messages: Sequence[NodeMessage]) -> Claims:
        """The store's answers; of several messages of a node run only the newest is claimed here."""
        services, flow_id = self._services, messages[0].id
        deliveries: dict[int, int] = {}
        for message in messages:
            deliveries[message.number] = max(message.delivery, deliveries.get(message.number, 0))
        try:
            begun = services.store.claim_deliveries(flow_id, deliveries, services.clock())
        except StateStoreError as error:  # the claim may have been stored: each is claimed as redelivered
            _log.warning("%s; trying again", error)
            return {}
        return dict(zip(deliveries.items(), begun, strict=True))

    def hand_back(self, messages: Sequence[NodeMessage]) -> bool:
        """Publish node runs with new delivery numbers: the old deliveries may count as begun here."""
        services, outgoing = self._services, []
        try:
            for message in messages:
                delivery = services.store.next_delivery(message.id, message.number)
                if delivery is not None:
                    task_id = id_maker(message.id)(message.number)
                    outgoing.append(services.messages.of_message(message, task_id, delivery))
        except StateStoreError as error:
            _log.warning("%s; %d node runs stay with a process that is busy", error, len(messages))
            return False
        return services.relay.send_safely(outgoing)

    def _keep_early(self, ended: Sequence[NodeMessage]) -> bool:
        """Commit the ends of node runs before their batch is done; False when it has to be tried again."""
        try:
            self._services.executor.complete_together(ended, None)
        except StateStoreError as error:
            _log.warning("%s; the ends of %d node runs will be kept later", error, len(ended))
            return False
        return True

    def _keep(self, ended: Sequence[NodeMessage], budget: InlineBudget) -> InlineTask | None:
        executor = self._services.executor
        return self._handler.keep(ended[-1], budget, lambda: executor.complete_together(ended, budget))
