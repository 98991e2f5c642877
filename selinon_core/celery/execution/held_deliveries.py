"""The messages that this process is working on; a shutdown returns them to the broker.

A delivery whose receiver vanishes counts: a task that kills its worker has to come to an end. One whose receiver
is stopped in good order (a deployment, a drained machine, a lost connection) does not: a long task would fail
after some restarts though nothing is wrong with it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from selinon_core.celery.stores import Store
from selinon_core.celery.stores.protocol import Begun
from selinon_core.celery.transport.message_schema import NodeMessage
from selinon_core.errors import StateStoreError

_log = logging.getLogger("selinon")


class Holding:
    """While it is entered, a process works on a node run: a class, as entering a generator takes twice as long."""

    __slots__ = ("_begun", "_held", "_message")

    def __init__(self, held: HeldDeliveries, message: NodeMessage, begun: Begun) -> None:
        self._held = held
        self._message = message
        self._begun = begun

    def __enter__(self) -> None:
        message = self._message
        self._held.deliveries[message.id, message.number] = (message.delivery, self._begun.deliveries)

    def __exit__(self, kind: type[BaseException] | None, *about: object) -> None:
        if kind is None or issubclass(kind, Exception):
            self._held.deliveries.pop((self._message.id, self._message.number), None)


class HeldDeliveries:
    """Safe under threads: single operations on a dictionary."""

    def __init__(self, store: Store) -> None:
        self._store = store
        #: By flow run id and number of the node run: the delivery, and how many there were.
        self.deliveries: dict[tuple[str, int], tuple[int, int]] = {}

    def add(self, message: NodeMessage, begun: Begun) -> None:
        """This process works on a node run from now on."""
        self.deliveries[message.id, message.number] = (message.delivery, begun.deliveries)

    def holding(self, message: NodeMessage, begun: Begun) -> Holding:
        """This process works on a node run; when it is asked to end meanwhile, the delivery stays held."""
        return Holding(self, message, begun)

    def discard(self, message: NodeMessage) -> None:
        """It does not any more."""
        self.deliveries.pop((message.id, message.number), None)

    def discard_all(self, messages: Iterable[NodeMessage]) -> None:
        """This process does not work on these any more."""
        for message in messages:
            self.discard(message)

    def give_back(self) -> None:
        """This process ends: the deliveries that it holds do not count."""
        while self.deliveries:
            try:
                (flow_id, number), (delivery, deliveries) = self.deliveries.popitem()
                self._store.release_delivery(flow_id, number, delivery, deliveries)
            except KeyError:  # another thread took the last one
                return
            except StateStoreError as error:
                _log.warning("%s; the delivery of node run %d of %r counts", error, number, flow_id)
