"""Pauses the starts of flows, and ends these pauses: new runs are queued meanwhile."""

from __future__ import annotations

import json
from typing import Any

from selinon_core.celery.execution.held_starts import AT_ONCE
from selinon_core.celery.selinon_protocol import Owner
from selinon_core.celery.steering.auditing import asker, record
from selinon_core.celery.stores.items import HELD, Item
from selinon_core.celery.stores.limits import hold_key
from selinon_core.celery.transport.broker_deadline import within
from selinon_core.diagnostics.wording import suggestion
from selinon_core.errors import UnknownFlowError

#: Seconds until a pause is forgotten: a hundred years.
_FOREVER = 3.2e9


class StartSteering:
    """The starts of the flows of one ``Selinon``. Needs the state store, and to go on the broker."""

    def __init__(self, selinon: Owner) -> None:
        self._selinon = selinon

    def paused(self) -> list[dict[str, Any]]:
        """The flows whose starts are paused: ``{"flow", "at", "by", "waiting"}``, the newest first."""
        store = self._selinon.store
        found = []
        for item in store.items.find(HELD, None, 1000).items:
            waiting = len(store.limits.state(hold_key(item.id)).waiting)
            found.append({"flow": item.id, "at": item.at, "by": json.loads(item.text)["by"], "waiting": waiting})
        return found

    def pause(self, flow: str, by: str | None = None) -> bool:
        """Queue new runs of a flow from now on; False: they are queued already.

        Runs that began go on, and sub-flows begin. ``by`` says who asks, for the audit. Raises
        ``UnknownFlowError``.
        """
        self._require(flow)
        store, by = self._selinon.store, asker(by)
        if store.items.get(HELD, flow) is not None:
            return False
        record(store, "pause", None, by, flow=flow)
        now = store.clock()
        return store.items.put(Item(HELD, flow, now, json.dumps({"by": by})), now + _FOREVER, if_absent=True)

    def resume(self, flow: str, by: str | None = None, *, timeout: float | None = 10.0) -> bool:
        """Let the runs of a flow begin that were queued, and new ones at once; False: its starts were not paused.

        A flow whose starts are paused need not be in the files any more. Raises as ``pause``, and as
        ``Selinon.run_flow`` for the broker: the runs begin a little later then.
        """
        services = self._selinon.services
        store = services.store
        if store.items.get(HELD, flow) is None:
            self._require(flow)
            return False
        record(store, "resume", None, asker(by), flow=flow)
        store.items.remove(HELD, [flow])
        granted = store.limits.allow(hold_key(flow), AT_ONCE, store.clock())
        wakes = [services.messages.wake(each.name, each.run, each.queue, limited=True) for each in granted]
        within(timeout, lambda: services.publisher.send(wakes), f"the request to resume starts of {flow}")
        return True

    def _require(self, flow: str) -> None:
        flows = self._selinon.plan.flows
        if flow not in flows:
            raise UnknownFlowError(f'no flow is named "{flow}"{suggestion(flow, flows)}')
