"""Parked messages: starts that workers could not handle, kept with the reason until they are requeued or dropped.

| kept as JSON | is |
| --- | --- |
| ``flow``, ``reason`` | the flow, and why the start could not be handled |
| ``queue``, ``task``, ``shown_as``, ``task_id``, ``root_id``, ``kwargs``, ``headers`` | the message |
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from selinon_core.celery.selinon_protocol import Owner
from selinon_core.celery.steering.auditing import record
from selinon_core.celery.stores.items import PARKED, Item
from selinon_core.celery.transport.broker_deadline import within
from selinon_core.celery.transport.publisher import OutgoingMessage
from selinon_core.errors import RequestError


class ParkedPage(NamedTuple):
    """Parked messages, the newest first; ``next`` is where to go on."""

    rows: Sequence[dict[str, Any]]
    next: str | None


class Parked:
    """The parked messages of one ``Selinon``. Needs the state store, and the broker to requeue."""

    def __init__(self, selinon: Owner) -> None:
        self._selinon = selinon

    def list(self, cursor: str | None = None, limit: int = 50) -> ParkedPage:
        """A page of them: ``{"id", "flow", "queue", "at", "reason"}``; raises ``RequestError`` for a bad cursor.

        ``id`` is that of the flow run that was asked for, ``at`` seconds since the epoch.
        """
        page = self._selinon.store.items.find(PARKED, cursor, limit)
        return ParkedPage([_row(item) for item in page.items], page.next)

    def get(self, id: str) -> dict[str, Any]:
        """One of them, as in a page; raises ``RequestError`` where nothing is parked under this id."""
        return _row(self._known(id))

    def requeue(self, id: str, by: str | None = None, *, timeout: float | None = 10.0) -> None:
        """Send a parked message to its queue again; ``by`` says who asks, for the audit.

        A start counts once, however often it is sent. Raises ``RequestError`` where nothing is parked under this
        id, and as ``Selinon.run_flow`` for the broker.
        """
        item = self._known(id)
        kept = json.loads(item.text)
        message = OutgoingMessage(
            kept["queue"],
            kept["task"],
            kept["shown_as"],
            kept["task_id"],
            kept["root_id"],
            kept["kwargs"],
            None,
            kept["headers"] or None,
        )
        record(self._selinon.store, "requeue", id, by)
        publisher = self._selinon.services.publisher
        within(timeout, lambda: publisher.send([message]), f"the start {id}")
        self._selinon.store.items.remove(PARKED, [id])

    def drop(self, id: str, by: str | None = None) -> None:
        """Remove a parked message for good; raises ``RequestError`` where nothing is parked under this id."""
        self._known(id)
        record(self._selinon.store, "drop", id, by)
        self._selinon.store.items.remove(PARKED, [id])

    def _known(self, id: str) -> Item:
        item = self._selinon.store.items.get(PARKED, id)
        if item is None:
            raise RequestError(f"nothing is parked under {id}")
        return item


def _row(item: Item) -> dict[str, Any]:
    kept = json.loads(item.text)
    return {
        "id": item.id,
        "flow": kept["flow"],
        "queue": kept["queue"],
        "at": item.at,
        "reason": kept["reason"],
    }
