"""Ends flow runs: says what would be left, refuses with the reason, and sends the message.

The message is the same however often it is sent: a run ends once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from selinon_core.celery.reporting.run_reader import RunReader
from selinon_core.celery.selinon_protocol import Owner
from selinon_core.celery.steering.auditing import record
from selinon_core.celery.transport.broker_deadline import within
from selinon_core.errors import RequestError, UnknownRunError


class Cancel(NamedTuple):
    """What a cancellation does."""

    id: str
    flow: str
    #: The queue of the flow's dispatcher.
    queue: str
    #: How many batches the log of the run has.
    version: int
    #: Node runs that have not ended, by name: tasks finish, sub-flows end too.
    active: Mapping[str, int]


class Cancellation:
    """Ends the flow runs of one ``Selinon``. Needs the state store and the broker."""

    def __init__(self, selinon: Owner) -> None:
        self._selinon = selinon
        services = selinon.services
        self._reader = RunReader(services.store, services.flow_versions)

    def preview(self, id: str) -> Cancel:
        """What ``send`` would do; raises ``RequestError`` for a run that has ended, or that there is not."""
        with self._reader.reading(id) as folded:
            if folded is None:
                raise UnknownRunError(f"there is no flow run {id}, or no worker has begun it")
            header = folded.header
            if header.status != "running":
                raise RequestError(f"flow run {id} has ended already: {header.status}")
            active = Counter(node.name for node in folded.nodes if node.status == "active")
            return Cancel(id, header.flow, header.queue, folded.version, active)

    def send(self, planned: Cancel, by: str | None = None, *, timeout: float | None = 10.0) -> None:
        """Ask for the end of a run that was looked at; ``by`` says who asks, None: this user."""
        services = self._selinon.services
        record(services.store, "cancel", planned.id, by)
        message = services.messages.wake(planned.flow, planned.id, planned.queue, cancel=True)
        within(timeout, lambda: services.publisher.send([message]), f"the request to cancel {planned.id}")
